"""What do real data over a subduction zone say?"""
