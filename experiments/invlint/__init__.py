"""How linear is magnetotellurics? A ridge map from integrals of the ground, a small decoder to a picture.

The method is InvLINT's (Feng, Chen, Feng, Jin, Liu & Lin 2022): data and sections are nearly linearly
related once both are integrated against smooth kernels, so that a linear encoder, found in closed form, and
a decoder of one transformer block do what deep networks do.
"""
