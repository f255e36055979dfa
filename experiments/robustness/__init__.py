"""Where does transport help an inversion, and where does it not?"""
