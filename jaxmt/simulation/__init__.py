"""From a resistivity section to the responses at the stations, and the derivative of that."""
