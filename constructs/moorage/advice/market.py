"""The prices of one region, so that no comparison mixes the prices of two."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import attrs

from moorage.prices import Price, PriceBook, UnknownPrice
from moorage.prices.price import FALLBACK_REGION
from moorage.workload.task import Architecture

_DECIDING_ITEMS = ("fargate.vcpu_hour", "fargate.gb_hour", "ec2.m7g.large")
"""The items without which a region cannot be compared."""


def age_of(book: PriceBook) -> str:
    """Return a space and the sentence that says that a book is old; an empty text if it is not.

    Args:
        book: The price book.
    """
    old = book.warning(dt.datetime.now(dt.UTC).date())
    return f" {old[0].upper()}{old[1:]}." if old else ""


@attrs.frozen(eq=False)
class Market:
    """The prices of one region.

    Args:
        book: The price book.
        wanted: The region that was asked for.
        region: The region whose prices are used: `wanted`, or us-east-1 if the book lacks prices for it.
    """

    book: PriceBook
    wanted: str
    region: str

    @classmethod
    def of(cls, book: PriceBook, region: str) -> Market:
        """Return the prices of a region, or of us-east-1 if the book has no prices of both Fargate and EC2 for it.

        Args:
            book: The price book.
            region: The region.
        """
        answers = [book.price(item, region) for item in _DECIDING_ITEMS]
        known = all(isinstance(answer, Price) and not answer.fallback for answer in answers)
        return cls(book, region, region if known else FALLBACK_REGION)

    def price(self, item: str, architecture: Architecture | None = None) -> Decimal | UnknownPrice:
        """Return the price of an item in USD, or that it is unknown in this region.

        Args:
            item: The item.
            architecture: The processor architecture. Default: none, for an item whose price does not depend on it.
        """
        answer = self.book.price(item, self.region, architecture.value if architecture else None)
        if isinstance(answer, UnknownPrice):
            return answer
        if answer.fallback:
            return UnknownPrice(item, self.region, f"The price book has no price of {item} in {self.region}.")
        return answer.usd

    def nearest_price(self, item: str) -> Decimal:
        """Return the price of a small part of a cost in USD: that of us-east-1 if it is unknown in this region.

        Args:
            item: The item.
        """
        answer = self.book.price(item, self.region)
        return answer.usd if isinstance(answer, Price) else Decimal(0)

    def source(self, item: str, architecture: Architecture | None = None) -> str | None:
        """Return the document that states the price of an item, or None if the price is unknown.

        Args:
            item: The item.
            architecture: The processor architecture. Default: none.
        """
        answer = self.book.price(item, self.region, architecture.value if architecture else None)
        return f"price of {item} in {answer.region}: {answer.source}" if isinstance(answer, Price) else None

    @property
    def assumption(self) -> str:
        """The sentence about the prices, and one if they are old."""
        book = f"List prices of {self.region} from the price book of {self.book.version}"
        if self.region != self.wanted:
            book += f", since it lacks prices of Fargate or EC2 in {self.wanted}"
        return f"{book}.{age_of(self.book)}"
