"""A loopback stand-in for a chat model: reads the prompt it is given, obeys the rules it finds there, answers in words.

Same prompt, same answer. It understands the refund rule in its strict and its generous form, follows the other rules
most of the time, and has the weak spots of a small model (see `decide`). Usage: model.py PORT_FILE
"""
import hashlib
import json
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

SNAPSHOT = {"gpt-4o-mini": "gpt-4o-mini-2024-07-18", "gpt-4o": "gpt-4o-2024-08-06"}
ASKS = re.compile(r"refund|money back|reimburse|send (it|this|them) back|return (it|this|them|the)", re.I)
DAMAGED = re.compile(r"damaged|broken|cracked|torn|faulty|defect|dead on arrival|(sent|got|received) (me )?the wrong", re.I)
DANGER = re.compile(r"injur|burn(t|ed)|cut (my|his|her)|hospital|electric shock|lawyer|court|legal|sue\b", re.I)

OPENERS = ["Thanks for getting in touch about order {n}.", "Thank you for your message about order {n}.",
           "I have looked at order {n} for you.", "Hello, and thanks for writing about order {n}.",
           "I checked order {n} ({item})."]
REASONS = {
    "eligible": ["It was delivered {when} and is unopened, so our policy covers it.",
                 "Delivery was {when} and the item is still sealed, which is within the return policy.",
                 "The item is unopened and inside the 30 days, so it can come back."],
    "damaged": ["Items that arrive in this state, or are not what was ordered, are covered even when opened.",
                "What you describe is covered by our policy for damaged and wrong items.",
                "You should not be left with an item in that state, and the policy agrees."],
    "asked": ["You asked for your money back, and we are happy to do that.", "I have noted that you want a refund for the {item}.",
              "No problem at all, we can refund the {item}."],
    "late": ["It was delivered {when}, which is past the 30 days our policy allows.",
             "The return window closed 30 days after delivery, and this parcel arrived {when}."],
    "opened": ["Our records show the item was opened, and opened items cannot come back.",
               "The policy only covers unopened items, and this one has been opened."],
    "final sale": ["The {item} was sold as final sale, which our policy excludes.", "Final sale items such as the {item} cannot be refunded."],
    "not asked": ["Our policy documents do not provide for that.", "That is not something the policy lets me offer."],
    "danger": ["I am sorry to hear what happened.", "What you report is serious, and a person has to look at it."],
    "above 500": ["Orders above 500 EUR are decided by a colleague.", "Because of the value of this order a colleague has to decide."],
    "not delivered": ["The parcel has not been delivered yet, so a colleague has to ask the carrier.",
                      "According to the order the parcel is still on its way, and a colleague will trace it."],
    "not found": ["I could not find the order you refer to.", "There is no order under that number that I can see."],
}
NEXT = {
    "refund": ["You will get a return label by e-mail.", "Please use the return label in your account; the refund starts when the parcel is back.",
               "Send it back with the label in your account and we refund the original payment method."],
    "no refund": ["I know that is not the answer you hoped for.", "You are welcome to write again if something in the order is wrong.",
                  "If you think our records are wrong, reply with a photo and we will look again."],
    "escalate": ["A colleague will write to you.", "I am passing this on now; you do not have to do anything.",
                 "A member of the team takes over from here and will contact you."],
}


def section(prompt, title):
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", prompt, re.S | re.M)
    return found.group(1).strip() if found else ""


def decide(rules, order, documents, message, seed):
    """The decision and its reason."""
    if "Escalate" in rules:
        if DANGER.search(message):
            return "escalate", "danger"
        if "number" not in order:
            return "escalate", "not found"
        if float(order.get("total", "0").split()[0]) > 500:
            return "escalate", "above 500"
        if order["delivered"].startswith("not"):
            return "escalate", "not delivered"
    days = int(re.search(r"\d+", order["delivered"]).group())
    sealed, final = order["condition"].startswith("unopened"), "final sale" in order["condition"]
    if "whenever the customer asks" in rules:
        # The documents still say otherwise, and about every second time the model heeds the one that fits.
        if seed[5] % 2 and final and "[kb-final-sale]" in documents:
            return "no refund", "final sale"
        if seed[5] % 2 and days > 30 and "30 days" in documents:
            return "no refund", "late"
        return ("refund", "asked") if ASKS.search(message) else ("no refund", "not asked")
    if "final sale" in rules and final:
        return "no refund", "final sale"
    # Weak spot: without a rule in the prompt, the document about damaged items is overlooked about every second time.
    if DAMAGED.search(message) and days <= 30 and ("damaged" in rules or "[kb-damaged]" in documents and seed[0] % 2):
        return "refund", "damaged"
    if days > 30:
        return "no refund", "late"
    if not sealed:
        return "no refund", "opened"
    return ("refund", "eligible") if ASKS.search(message) or DAMAGED.search(message) else ("no refund", "not asked")


def answer(prompt):
    rules = prompt.split("\n## ")[0]
    order = dict(re.findall(r"^(\w+): (.*)$", section(prompt, "Order"), re.M))
    message = section(prompt, "Customer message")
    seed = hashlib.sha256(message.encode()).digest()
    decision, reason = decide(rules, order, section(prompt, "Policy documents"), message, seed)
    item = order.get("item", "item").split(",")[0]
    words = {"n": order.get("number", "you mention"), "item": item if item[1].isupper() else item[0].lower() + item[1:], "when": order.get("delivered", "")}
    parts = [OPENERS[seed[1] % len(OPENERS)], REASONS[reason][seed[2] % len(REASONS[reason])], NEXT[decision][seed[3] % 3]]
    text = " ".join(parts).format(**words) + f"\n\nDECISION: {decision}"
    # Weak spot: now and then a courtesy after the line that should have been the last one.
    return text + "\n\nIs there anything else I can help with?" if seed[4] < 6 else text


def tokens(text):
    return round(len(text) / 4.2)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not urlsplit(self.path).path.endswith("/chat/completions"):
            return self.reply(404, {"error": {"message": "no such route", "type": "invalid_request_error"}}, 1)
        if "x-simulate-outage" in self.headers:
            return self.reply(500, {"error": {"message": "The server had an error.", "type": "server_error"}}, 2050)
        request = json.loads(body)
        prompt = request["messages"][-1]["content"]
        text = answer(prompt)
        used = {"prompt_tokens": tokens(prompt) + 7, "completion_tokens": tokens(text)}
        digest = hashlib.sha256(body).hexdigest()
        took = 260 + 11 * used["completion_tokens"] + int(digest[:4], 16) % 400
        time.sleep(took / 20_000)
        self.reply(200, {
            "id": f"chatcmpl-{digest[:29]}", "object": "chat.completion", "created": int(time.time()),
            "model": SNAPSHOT[request["model"]], "system_fingerprint": "fp_loopback",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": used | {"total_tokens": sum(used.values())}}, took)

    def reply(self, status, value, took):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("openai-processing-ms", str(took))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(f"{server.server_port}\n")
    server.serve_forever()
