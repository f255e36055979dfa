"""The field workflow: from a folder of transfer functions to a section and a report."""
