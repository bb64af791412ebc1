// SPDX-License-Identifier: Apache-2.0

/** An answer of the API server other than success: a metav1.Status. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status code. */
  readonly code: number;
  /** Seconds to wait, when the server said so. */
  readonly retryAfter: number | undefined;

  constructor(code: number, message: string, retryAfter?: number) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** The error that a failed response tells of; its body is read. */
export async function responseError(response: Response, request: string): Promise<ApiError> {
  const retryAfter = Number(response.headers.get("retry-after") ?? NaN);
  const text = await response.text().catch(() => "");
  return new ApiError(
    response.status,
    `API server refused ${request}: ${statusMessage(text) ?? response.statusText} (${response.status})`,
    Number.isFinite(retryAfter) ? retryAfter : undefined,
  );
}

function statusMessage(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message : undefined;
  } catch {
    return text === "" ? undefined : text.slice(0, 200).trim();
  }
}
