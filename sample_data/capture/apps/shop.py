"""A shop that works, is slow, and breaks in several ways, so that its server has something to log."""

import json
import logging
import os
import sqlite3
import time
from typing import Any

from flask import Flask, abort, request

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
log = logging.getLogger("shop.orders")
app = application = Flask(__name__)
STOCK: dict[str, int] = {"lamp": 3, "kettle": 0, "boat": 12}


@app.get("/api/health")
def health() -> dict[str, str]:
    """Answer the balancer."""
    return {"status": "ok"}


@app.get("/api/items/<int:number>")
def item(number: int) -> dict[str, Any]:
    """Show an item."""
    log.info("item %d shown to session %08x", number, number * 2654435761 % 2**32)
    if number % 11 == 0:
        log.warning("item %d is nearly sold out (%d left), reorder needed", number, number % 3)
    return {"item": number}


@app.post("/api/orders")
def order() -> dict[str, Any]:
    """Take an order; a bad one breaks it."""
    body = json.loads(request.data)
    log.info("order %s accepted for customer %s, total %.2f EUR", body["id"], body["customer"], body["total"])
    return {"left": STOCK[body["what"]] // body["count"]}


@app.route("/login", methods=["GET", "POST"])
def login() -> str:
    """Refuse everybody."""
    log.warning(
        "login failed for user %r from %s: wrong password", request.args.get("u", "anonymous"), request.remote_addr
    )
    abort(401)


@app.get("/api/slow")
def slow() -> str:
    """Answer late."""
    time.sleep(2.5)
    return "late"


@app.get("/api/fail")
def fail() -> str:
    """Break for want of a database."""
    try:
        sqlite3.connect("/srv/no/such/shop.db").execute("select 1")
    except sqlite3.OperationalError as error:
        log.exception("cannot read the stock from the database")
        raise RuntimeError("stock service unavailable") from error
    return "never"


@app.get("/api/timeout")
def timeout() -> str:
    """Take longer than the server allows."""
    time.sleep(8)
    return "never"


@app.get("/api/crash")
def crash() -> str:
    """Take the worker down."""
    log.critical("ledger is corrupt, giving up")
    os.abort()
