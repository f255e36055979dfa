"""Which arrival is of which earthquake, and where were they? Association by transport on the line.

The method is HARPA's (Shi, de Hoop & Dokmanic 2024): unknown events move, with Langevin noise, until the
set of arrival times that they predict at every station is the set that was picked there.
"""
