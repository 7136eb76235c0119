"""Campaigns: as many random instances verified as asked, each a pure function of a seed and its number."""
