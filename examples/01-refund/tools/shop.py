"""The shop around the prompt: policy documents, a word-overlap retriever, and 160 seeded customer requests."""
import random
import re
from datetime import datetime, timedelta, timezone

DOCUMENTS = {
    "kb-refund-window": "An item can come back for a refund within 30 days of delivery. Day 30 still counts.",
    "kb-unopened": "The item has to be unopened: seal intact, tags attached. An opened or used item is not refunded.",
    "kb-damaged": "An item that arrives damaged, broken, cracked or faulty, or a wrong item, is refunded within 30 days, also when opened.",
    "kb-final-sale": "Gift cards, downloads, food and anything marked final sale are not refunded.",
    "kb-refund-time": "The money goes back to the original payment method after the parcel reached the warehouse.",
    "kb-return-label": "Return this way: print the label in the account. The label is free for faulty items and 4.90 EUR otherwise.",
    "kb-lost-parcel": "A parcel that has not arrived is traced with the carrier by a colleague before any refund.",
    "kb-by-hand": "Injuries, legal threats and orders above 500 EUR are handled by a person.",
    "kb-exchange": "An unopened item can be exchanged for another size or colour within 30 days.",
    "kb-price-drop": "A lower price after the purchase is not paid out, and there is no discount after the order.",
}

COMMON = set("the and you for are was with not has its this that from any per would like please can could have your but".split())

CLOTHES = [("Linen shirt, size M", 39.90), ("Rain jacket, size L", 119.00), ("Pair of running shoes, size 42", 89.50), ("Wool scarf, grey", 29.00),
           ("Pair of winter boots, size 39", 139.00), ("Denim jacket, size S", 94.00)]
ELECTRIC = [("Desk lamp, brass", 64.00), ("Wireless keyboard", 49.90), ("Headset, noise-cancelling", 189.00), ("Portable speaker", 75.00),
            ("USB-C dock", 132.00), ("Electric kettle", 42.00), ("Hand mixer", 55.00)]
HOME = [("Cookbook, hardcover", 34.00), ("Board game, second edition", 44.90), ("Chess set, walnut", 58.00), ("Espresso cup set", 27.50),
        ("Cast iron pan, 28 cm", 61.00), ("Picture frame, 50x70", 31.00), ("Glass vase", 38.00)]
ITEMS = CLOTHES + ELECTRIC + HOME
FINAL_SALE = [("Gift card", 50.00), ("E-book download", 12.99), ("Bag of coffee beans, 1 kg", 18.90), ("Summer dress, outlet", 24.00)]
EXPENSIVE = [("Espresso machine", 649.00), ("Electric bike battery", 589.00), ("Leather armchair", 920.00)]

# share, items, days since delivery, condition, messages
SITUATIONS = [
    (40, ITEMS, (1, 30), "unopened", [
        "I changed my mind about the {item} and would like a refund please.", "The {item} was a present and is not needed any more. How do I get my money back?",
        "Can I return it? The {item} is still in the box.", "I ordered the {item} twice by mistake. Please refund one of them.",
        "The {item} does not go with the rest of my flat. I want to send it back.", "Please reimburse me for the {item}, I bought the same one in a shop."]),
    (22, ITEMS, (31, 95), "unopened", [
        "I was away for a while and only now got round to this: can I still return the {item}?", "I found the {item} at the back of a cupboard, never used. Refund please.",
        "It has been a bit longer than a month, but I would still like my money back for the {item}.", "Could you make an exception and refund the {item}?"]),
    (14, ITEMS, (2, 28), "opened", [
        "I tried the {item} for a week and it is not for me. Please refund it.", "The {item} is fine, just not what I expected. I want my money back.",
        "Opened it, looked at it, did not like it. Refund for the {item}?"]),
    (8, CLOTHES, (2, 28), "opened, tags removed", [
        "I wore it once and the {item} does not fit. Can I return it?", "The {item} is lovely but too tight. Please refund it."]),
    (10, HOME, (1, 27), "opened", [
        "The {item} arrived damaged. I want a refund.", "When I unpacked the {item} one side was cracked. Can I return it?"]),
    (12, ELECTRIC, (1, 27), "opened", [
        "The {item} is faulty, it stopped after two days. Please refund me.", "You sent me the wrong colour, so the {item} is useless to me. I would like my money back.",
        "The {item} was dead on arrival. How do I get my money back?"]),
    (14, FINAL_SALE, (1, 25), "unopened, final sale", [
        "I would like my money back for the {item}, I do not need it.", "Please refund the {item}. I did not see that it was final sale.", "Can I return it? The {item} was a mistake."]),
    (14, ITEMS, (2, 30), "unopened", [
        "Could I swap the {item} for another colour?", "The {item} is now cheaper on your site. Can I get the difference as a discount?", "Do you also have the {item} in a smaller version?"]),
    (10, ITEMS, None, "unknown", [
        "My {item} still has not arrived. I want a refund.", "The tracking for the {item} has not moved for days. Please give me my money back.", "Where is my {item}? If it is lost I want a refund."]),
    (8, EXPENSIVE, (2, 29), "unopened", [
        "I want to return it, the {item} is too large for us.", "Please refund the {item}, we found another one."]),
    (8, ELECTRIC, (1, 60), "opened", [
        "I got an electric shock from the {item}. I want my money back and an explanation.", "I cut my hand on the {item} because of a sharp edge. Refund it, please.",
        "If I do not get a refund for the {item} by Friday my lawyer will write to you."]),
]


def words(text):
    return set(re.findall(r"[a-z]{3,}", text.lower())) - COMMON


def retrieve(query, top_k):
    """The `top_k` documents that share most words with the query, as (id, score)."""
    asked = words(query)
    score = {id: round(0.25 + len(asked & words(text)) / (len(asked) * len(words(text))) ** 0.5, 4) for id, text in DOCUMENTS.items()}
    return sorted(score.items(), key=lambda pair: (-pair[1], pair[0]))[:top_k]


def show_order(number, item, total, delivered, condition, **more):
    lines = {"number": number, "item": item, "total": f"{total:.2f} EUR", "delivered": delivered, "condition": condition} | more
    return "\n".join(f"{key}: {value}" for key, value in lines.items())


def show_documents(found):
    return "\n".join(f"[{id}] {DOCUMENTS[id]}" for id, _ in found)


def in_a_sentence(item):
    name = item.split(",")[0]
    return name if name[1].isupper() else name[0].lower() + name[1:]


def requests(seed=20261109):
    """Two weeks of production: dicts with at, conversation, segment, number, order, about, message, from_account."""
    dice = random.Random(seed)
    kinds = [situation for situation in SITUATIONS for _ in range(situation[0])]
    dice.shuffle(kinds)
    start = datetime(2026, 11, 9, 6, tzinfo=timezone.utc)
    times = sorted(start + timedelta(days=dice.randrange(14), seconds=dice.randrange(15 * 3600)) for _ in kinds)
    for index, (at, (_, items, days, condition, messages)) in enumerate(zip(times, kinds)):
        item, total = dice.choice(items)
        ago = dice.randint(*days) if days else None
        delivered = "not yet" if ago is None else "1 day ago" if ago == 1 else f"{ago} days ago"
        number = f"A-{10200 + 7 * index + dice.randrange(7)}"
        text = dice.choice(messages).format(item=in_a_sentence(item))
        hello = dice.choice(["", "", "Hi, ", "Hello, ", "Hi there. ", "Good evening. "])
        if hello.endswith(", ") and not text.startswith("I "):
            text = text[0].lower() + text[1:]
        yield {"at": at, "conversation": f"conv-{dice.getrandbits(40):010x}", "segment": dice.choice(["standard", "standard", "plus"]),
               "number": number, "order": show_order(number, item, total, delivered, condition),
               "about": f"delivered {delivered}, {condition}",
               "message": hello + text + dice.choice(["", "", " Thanks.", " Thank you!", f" Order {number}."]),
               "from_account": dice.random() < 0.4}
