"""Sections as probable as the data and a prior make them: samplers of a posterior, and what they say."""
