/** The few requests a screen makes with its place's token. */
import { type Decoder, decode } from "../shared/decode.ts";
import { fetchWithin, HttpRefusal } from "../shared/http.ts";

const HTTP_WITHIN_MS = 15_000;

/** @throws HttpRefusal when the relay refuses, another error when it cannot be reached or answers oddly */
export async function askRelay<T>(
  token: string,
  method: "GET" | "POST",
  address: string,
  decoder: Decoder<T>,
  body?: object,
): Promise<T> {
  const headers: { [name: string]: string } = { Authorization: `Bearer ${token}` };
  const init: RequestInit = { method, headers, cache: "no-store" };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const response = await fetchWithin(HTTP_WITHIN_MS, address, init);
  if (!response.ok) throw await HttpRefusal.of(response);
  const read = decode(decoder, await response.json());
  if (!read.ok) throw new Error(read.problem);
  return read.value;
}

/** A picture that needs the token, as an address an `<img>` can show; revoke it when it is no longer shown. */
export async function fetchPicture(token: string, address: string): Promise<string> {
  const response = await fetchWithin(60_000, address, { headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw await HttpRefusal.of(response);
  return URL.createObjectURL(await response.blob());
}
