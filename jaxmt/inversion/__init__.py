"""From data to a section: parametrisation, objective, optimisers, and its appraisal."""
