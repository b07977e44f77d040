"""What is to be done for an order, by what is at its place: nothing, make it, finish it, change it, or refuse."""

from __future__ import annotations

from typing import Literal

from engine.bulk.mark import standing
from engine.bulk.messages import How
from engine.bulk.orders import Order
from engine.errors import PrefixError
from engine.link.prefix.meta import is_environment

Wish = Literal["keep", "update", "recreate"]
"""What shall become of environments that exist and are not as asked."""


def judge(order: Order, wish: Wish, *, heal: bool = True) -> How | None:
    """How to go about an order; None if its environment is as asked. Quick where it is, since most are.

    An interrupted change is undone first, unless ``heal`` is false. Raises `PrefixError` where the place is taken.
    """
    if standing(order.prefix, order.digest) == "as asked":
        return None
    from engine.link.prefix.present import check_new_prefix  # here, for most runs find that all is as asked
    from engine.link.transaction.recover import recover

    if heal:
        recover(order.prefix)
    if not is_environment(order.prefix):
        check_new_prefix(order.prefix)
        return "create"
    match standing(order.prefix, order.digest), wish:
        case "as asked", _:
            return None
        case "unfinished", _:
            return "finish"
        case _, "update":
            return "update"
        case _, "recreate":
            return "recreate"
        case _:
            raise PrefixError(
                f"{order.prefix} exists and is not as asked: it was made from something else, or changed since.",
                hint="--update changes in it what differs, --recreate makes it anew.",
            )
