"""Production traffic of the base version: sends 160 requests to the loopback model and writes the spans of the real SDK.

Usage: traces.py PROMPT_FILE PROMPT_VERSION MODEL_PORT OUT
Ids are seeded and time is simulated (see Clock), so the same prompt and version give the same bytes.
"""
import os
import random
import sys
from contextvars import ContextVar

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "span_only"

import openai
import opentelemetry.sdk.trace as sdk
from opentelemetry.exporter.otlp.json.file.trace_exporter import FileSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.genai.handler import TelemetryHandler
from opentelemetry.util.genai.types import RetrievalDocument

import shop

UNSTAMPED = 90  # the one request whose caller forgot to name its prompt
OUTAGES = {37: None, 121: "gpt-4o"}  # request: the model it falls back to
TOP_K = 3  # config/retrieval.yml
STAMP = ContextVar("stamp", default={})


class Clock:
    """The SDK's clock. It stands still except where the example says how long a step took."""
    now = 0

    def __call__(self):
        return self.now

    def pass_ms(self, ms):
        self.now += int(ms * 1e6)


class SeededIds(sdk.IdGenerator):
    def __init__(self, seed):
        self.traces, self.spans = random.Random(seed), random.Random(seed + 1)

    def generate_trace_id(self):
        return self.traces.getrandbits(128)

    def generate_span_id(self):
        return self.spans.getrandbits(64)


class PromptStamp(sdk.SpanProcessor):
    """Copies what is known about the prompt onto every span that starts."""
    def on_start(self, span, parent_context=None):
        span.set_attributes(STAMP.get())


def stamp(**variables):
    STAMP.set(STAMP.get() | {f"gen_ai.prompt.variable.{key}": value for key, value in variables.items()})


def main(prompt_file, version, port, out):
    with open(prompt_file, encoding="utf-8") as file:
        template = file.read()
    sdk.time_ns = clock = Clock()
    dice = random.Random(7)
    provider = sdk.TracerProvider(id_generator=SeededIds(1), resource=Resource.create({
        "service.name": "refund-assistant", "service.version": "3.8.0", "service.instance.id": "refund-assistant-1",
        "deployment.environment.name": "production"}))
    provider.add_span_processor(PromptStamp())
    provider.add_span_processor(BatchSpanProcessor(FileSpanExporter(out), schedule_delay_millis=600_000))
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    genai, tracer = TelemetryHandler(tracer_provider=provider), provider.get_tracer("refund-assistant", "3.8.0")
    # The proxy leads the invented host name to the loopback model; the hook moves the clock by what the model reports.
    http = openai.DefaultHttpxClient(proxy=f"http://127.0.0.1:{port}", event_hooks={
        "response": [lambda response: clock.pass_ms(float(response.headers["openai-processing-ms"]) + 35)]})
    client = openai.OpenAI(base_url="http://llm-gateway.internal/v1", api_key="unused", max_retries=0, http_client=http)

    def chat(prompt, model, headers):
        client.chat.completions.create(model=model, temperature=0.2, max_tokens=300, extra_headers=headers,
                                       messages=[{"role": "user", "content": prompt}])

    def serve(index, request):
        """One request; the HTTP status it ends with."""
        if not request["from_account"]:
            with genai.tool("lookup_order", tool_type="function") as tool:
                tool.arguments = {"number": request["number"]}
                clock.pass_ms(dice.uniform(18, 70))
                tool.tool_result = dict(line.split(": ", 1) for line in request["order"].split("\n"))
        if index != UNSTAMPED:
            stamp(order=request["order"])
        with genai.retrieval(data_source_id="kb-refunds", provider="openai", request_model="text-embedding-3-small") as search:
            query = f"{request['message']} ({request['about']})"
            found = shop.retrieve(query, TOP_K)
            clock.pass_ms(dice.uniform(40, 160))
            search.top_k, search.query_text = TOP_K, query
            search.documents = [RetrievalDocument(id=id, score=score) for id, score in found]
        values = {"order": request["order"], "documents": shop.show_documents(found), "message": request["message"]}
        if index != UNSTAMPED:
            stamp(documents=values["documents"])
        prompt = template
        for key, value in values.items():
            prompt = prompt.replace("{{%s}}" % key, value)
        try:
            chat(prompt, "gpt-4o-mini", {"x-simulate-outage": "1"} if index in OUTAGES else {})
        except openai.InternalServerError:
            if not OUTAGES[index]:
                return 502
            chat(prompt, OUTAGES[index], {})
        return 200

    for index, request in enumerate(shop.requests()):
        clock.now = int(request["at"].timestamp() * 1e9) + dice.randrange(10**9)
        named = {"gen_ai.prompt.name": "support/refund", "gen_ai.prompt.version": version}
        STAMP.set((named if index != UNSTAMPED else {}) | {"gen_ai.conversation.id": request["conversation"]})
        if index != UNSTAMPED:
            stamp(message=request["message"])
        with tracer.start_as_current_span("POST /support/refund", kind=SpanKind.SERVER, attributes={
                "http.request.method": "POST", "http.route": "/support/refund", "url.scheme": "https",
                "url.path": "/support/refund", "customer.segment": request["segment"]}) as root:
            clock.pass_ms(dice.uniform(1, 4))
            status = serve(index, request)
            clock.pass_ms(dice.uniform(1, 6))
            root.set_attribute("http.response.status_code", status)
            if status >= 500:
                root.set_attribute("error.type", str(status))
                root.set_status(Status(StatusCode.ERROR))
        if index % 10 == 9:
            provider.force_flush()
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
