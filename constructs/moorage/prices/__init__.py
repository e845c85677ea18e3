"""The price book: dated list prices of AWS with their sources. Pure Python, without `aws_cdk` and without a network."""

from moorage.prices.book import PriceBook
from moorage.prices.price import Price, PriceBookError, UnknownPrice

__all__ = ["Price", "PriceBook", "PriceBookError", "UnknownPrice"]
