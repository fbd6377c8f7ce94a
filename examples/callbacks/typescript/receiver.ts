// A receiver of Backstop's callbacks, for Node 20 or later. It uses Node's own modules only. Copy what you need.
//
//	CALLBACK_SECRETS=whsec_... PORT=3000 node receiver.ts
//
// Node 22.18 and later run TypeScript as it is. For Node 20 compile it first, and run receiver.js:
//
//	npm install --no-save typescript @types/node
//	npx tsc --module nodenext --types node receiver.ts

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

const tolerance = 5 * 60; // seconds; an older message may be a recorded one
const maxBody = 1 << 20; // bytes

// verify returns why a message is refused, or undefined if it was signed with one of the secrets within the last 5 minutes. The body
// must be the bytes as they came: JSON that was parsed and written again may differ.
export function verify(headers: IncomingHttpHeaders, body: Buffer, secrets: string[], now: number): string | undefined {
	const id = String(headers["webhook-id"] ?? "");
	const timestamp = String(headers["webhook-timestamp"] ?? "");
	if (id === "" || !/^\d+$/.test(timestamp)) {
		return "a header is missing";
	}
	if (Math.abs(now - Number(timestamp)) > tolerance) {
		return "the message is too old, or from the future";
	}
	for (const secret of secrets) {
		const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
		if (key.length === 0) {
			throw new Error("a secret is not valid");
		}
		const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
		const want = Buffer.from(`v1,${digest}`);
		for (const text of String(headers["webhook-signature"] ?? "").split(" ")) {
			const signature = Buffer.from(text);
			// timingSafeEqual takes the same time for each wrong signature, and wants two of the same length.
			if (signature.length === want.length && timingSafeEqual(signature, want)) {
				return undefined;
			}
		}
	}
	return "no signature fits";
}

// Callback is the part of a message that this receiver reads. api/openapi.yaml describes all of it (CallbackBody).
interface Callback {
	type: string;
	data: { revision: number; send: { id: string; outcome: string } };
}

// A real receiver keeps these in its database.
const handled = new Set<string>(); // by webhook-id: a message may come more than once
const revisions = new Map<string, number>(); // by send

// handle does the work. It must be quick: Backstop waits for 15 seconds.
function handle(id: string, { type, data }: Callback): void {
	if (handled.has(id)) {
		return;
	}
	handled.add(id);
	if (data.revision < (revisions.get(data.send.id) ?? 0)) {
		return; // a newer state of the send is known
	}
	revisions.set(data.send.id, data.revision);
	console.log(type, data.send.id, data.send.outcome);
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of request) {
		length += chunk.length;
		if (length > maxBody) {
			return undefined;
		}
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

const secrets = (process.env.CALLBACK_SECRETS ?? "").split(","); // two while you change them

async function receive(request: IncomingMessage): Promise<[status: number, text: string]> {
	const body = await readBody(request);
	if (!body) {
		return [413, "the body is too long"];
	}
	const fault = verify(request.headers, body, secrets, Date.now() / 1000);
	if (fault) {
		return [401, fault];
	}
	handle(String(request.headers["webhook-id"]), JSON.parse(body.toString()));
	return [204, ""]; // only now: after another answer the message comes again
}

const server = createServer((request, response) => {
	receive(request)
		.catch((error: unknown): [number, string] => {
			console.error(error);
			return [500, ""];
		})
		.then(([status, text]) => response.writeHead(status).end(text));
});
server.listen(Number(process.env.PORT), "127.0.0.1", () => {
	console.log(`listening at http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
