"""What programs call, and all that the command line calls."""

from unseam.recipes import RECIPES as RECIPES
