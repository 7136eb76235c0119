"""What keeps a campaign from running."""


class CampaignError(ValueError):
    """A plan that cannot be, a journal that does not belong to it, or workers that do not work."""
