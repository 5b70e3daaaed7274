"""What the applications to interactions share: columns, the division of who met what, nets made for so many users and items."""
