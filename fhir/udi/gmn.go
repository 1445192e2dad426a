package udi

import "strings"

// The check pair of a Global Model Number, the Basic UDI-DI of the EU:
// GS1 General Specifications 7.9.5.

// gmnAlphabet is the set of 32 that check pairs are written in.
const gmnAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// gmnWeights are the primes by which characters are weighed, from the right.
var gmnWeights = [...]int{2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83}

// GMN judges a Global Model Number. The error is a *Fault.
func GMN(text string) error {
	p := &parser{text: text, code: &Code{Agency: GS1}}
	return p.gmn(text, 0)
}

func (p *parser) gmn(text string, at int) error {
	const least = 8 // a company prefix and one character, with the check pair
	if len(text) < least || len(text) > 25 {
		return p.fault(at, "udi-length", "a GMN has 8 to 25 characters", "GMN 应为 8 至 25 个字符")
	}
	for i := range len(text) {
		if c := text[i]; strings.IndexByte(set82, c) < 0 || i < 5 && (c < '0' || c > '9') {
			return p.fault(at+i, "udi-character", "a GMN begins with five digits and goes on with characters of set 82", "GMN 以五位数字开头")
		}
	}
	body := text[:len(text)-2]
	sum := 0
	for i := range len(body) {
		sum += gmnWeights[i] * strings.IndexByte(set82, body[len(body)-1-i])
	}
	sum %= 1021
	if pair := string([]byte{gmnAlphabet[sum>>5], gmnAlphabet[sum&31]}); pair != text[len(text)-2:] {
		return p.fault(at+len(body), "udi-check", "the check pair of the GMN is wrong: "+body+" needs "+pair, "GMN 校验字符错误")
	}
	return nil
}
