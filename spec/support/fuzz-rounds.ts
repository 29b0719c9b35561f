/**
 * How many inputs of chance each decoder gets: `RX_WEIR_FUZZ`, else 20 000. The seeds are fixed, so that more of them are worth
 * their time after a change of a decoder alone: RX_WEIR_FUZZ=100000.
 */
export const fuzzRounds = Number(process.env['RX_WEIR_FUZZ'] || 20_000);
