"""The inversions of Liu, Chen, Bo & Tang (2026), MTinv_OT, with every setting as they have it."""
