"""How long does a misfit and its gradient take, and how much memory, beside SimPEG?"""
