package secret

import "unicode/utf8"

// asText returns raw as the old Java servers saw it once they had decoded it as
// UTF-8: what is not valid becomes U+FFFD, once for each sequence that was
// begun and broken off. Go's own conversions count otherwise, and the count
// decides whether a bcrypt of it matches.
func asText(raw []byte) []byte {
	if utf8.Valid(raw) {
		return raw
	}
	text := make([]byte, 0, 3*len(raw))
	for len(raw) > 0 {
		n := sequence(raw)
		if utf8.Valid(raw[:n]) {
			text = append(text, raw[:n]...)
		} else {
			text = utf8.AppendRune(text, utf8.RuneError)
		}
		raw = raw[n:]
	}
	return text
}

// sequence returns how many bytes at the start of raw, at least one, belong together.
func sequence(raw []byte) int {
	size, low, high := lead(raw[0])
	n := 1
	for n < size && n < len(raw) && low <= raw[n] && raw[n] <= high {
		n, low, high = n+1, 0x80, 0xBF // only the second byte has bounds of its own
	}
	return n
}

// lead returns the size of the sequence that b begins and the bounds of its
// second byte. A surrogate (0xED 0xA0…) counts as one sequence, as in Java.
func lead(b byte) (size int, low, high byte) {
	switch {
	case 0xC2 <= b && b <= 0xDF:
		return 2, 0x80, 0xBF
	case b == 0xE0:
		return 3, 0xA0, 0xBF
	case 0xE1 <= b && b <= 0xEF:
		return 3, 0x80, 0xBF
	case b == 0xF0:
		return 4, 0x90, 0xBF
	case 0xF1 <= b && b <= 0xF3:
		return 4, 0x80, 0xBF
	case b == 0xF4:
		return 4, 0x80, 0x8F
	}
	return 1, 0, 0
}
