"""Does graph-space transport keep a waveform inversion from skipping cycles?"""
