package ledger

import (
	"crypto/x509"
	encoding "encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// issuingDistributionPoint says what a list is a part of.
// https://www.rfc-editor.org/rfc/rfc5280#section-5.2.5
var issuingDistributionPoint = encoding.ObjectIdentifier{2, 5, 29, 28}

// covers tells whether a list is about a certificate at all: a list that is a
// part of the issuer's whole one must be the part that the certificate names, and
// one with a critical extension that is not understood (a delta) says nothing.
func covers(l *x509.RevocationList, c *x509.Certificate) bool {
	for _, x := range l.Extensions {
		switch {
		case x.Id.Equal(issuingDistributionPoint):
			if !partCovers(x.Value, c) {
				return false
			}
		case x.Critical:
			return false
		}
	}
	return true
}

const specific = asn1.Tag(0x80) // to the context

func partCovers(der []byte, c *x509.Certificate) bool {
	in := cryptobyte.String(der)
	var part cryptobyte.String
	if !in.ReadASN1(&part, asn1.SEQUENCE) || !in.Empty() {
		return false
	}
	for !part.Empty() {
		var value cryptobyte.String
		var tag asn1.Tag
		if !part.ReadAnyASN1(&value, &tag) {
			return false
		}
		set := len(value) == 1 && value[0] != 0
		switch tag {
		case specific | 0x20 | 0: // distributionPoint
			if !namesPoint(value, c.CRLDistributionPoints) {
				return false
			}
		case specific | 1: // onlyContainsUserCerts
			if set && c.IsCA {
				return false
			}
		case specific | 2: // onlyContainsCACerts
			if set && !c.IsCA {
				return false
			}
		default: // onlySomeReasons, indirectCRL, onlyContainsAttributeCerts
			return false
		}
	}
	return true
}

// namesPoint tells whether a distribution point is one of the certificate's.
func namesPoint(point cryptobyte.String, of []string) bool {
	var names cryptobyte.String
	if !point.ReadASN1(&names, specific|0x20|0) { // fullName
		return false
	}
	for !names.Empty() {
		var name cryptobyte.String
		var tag asn1.Tag
		if !names.ReadAnyASN1(&name, &tag) {
			return false
		}
		if tag == specific|6 && slices.Contains(of, string(name)) {
			return true
		}
	}
	return false
}
