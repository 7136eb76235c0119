"""The oracle's own score: what it says about thousands of backprops of which it is known what is wrong with them."""
