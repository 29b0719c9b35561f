/** What the codes of responses, of publish errors, of metadata and of Close mean. */
export const responseCodes = {
  OK: 1,
  STREAM_DOES_NOT_EXIST: 2,
  SUBSCRIPTION_ID_ALREADY_EXISTS: 3,
  SUBSCRIPTION_ID_DOES_NOT_EXIST: 4,
  STREAM_ALREADY_EXISTS: 5,
  STREAM_NOT_AVAILABLE: 6,
  SASL_MECHANISM_NOT_SUPPORTED: 7,
  AUTHENTICATION_FAILURE: 8,
  SASL_ERROR: 9,
  SASL_CHALLENGE: 10,
  AUTHENTICATION_FAILURE_LOOPBACK: 11,
  VIRTUAL_HOST_ACCESS_FAILURE: 12,
  UNKNOWN_FRAME: 13,
  FRAME_TOO_LARGE: 14,
  INTERNAL_ERROR: 15,
  ACCESS_REFUSED: 16,
  PRECONDITION_FAILED: 17,
  PUBLISHER_DOES_NOT_EXIST: 18,
  NO_OFFSET: 19,
  SASL_CANNOT_CHANGE_MECHANISM: 20,
  SASL_CANNOT_CHANGE_USERNAME: 21,
} as const;

const names = new Map<number, string>(Object.entries(responseCodes).map(([name, code]) => [code, name]));

/** The name of a code, `CODE_99` for one that is not known. */
export function responseCodeName(code: number): string {
  return names.get(code) ?? `CODE_${String(code)}`;
}
