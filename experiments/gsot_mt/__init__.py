"""Does graph-space transport help magnetotelluric inversion?"""
