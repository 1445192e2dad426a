package rules

// https://hl7.org/fhir/R4/datatypes.html#Attachment

import (
	"crypto/sha1" //nolint:gosec // the hash that the specification names
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// attachmentRule judges size and hash by the data where they are there. Data
// that are not base64 are the base validator's.
func attachmentRule(c *Context, n tree.Node) {
	contentTypeRule(c, n)
	data, hash := n.Field("data"), text(n, "hash")
	size, stated := int64(-1), n.Field("size").Text()
	if stated != "" {
		if s, err := strconv.ParseInt(stated, 10, 64); err == nil {
			size = s
		}
	}
	if data.Kind() != tree.String || size < 0 && hash == "" {
		return
	}
	body, err := decode64(data.Str())
	if err != nil {
		return
	}
	if size >= 0 && size != int64(len(body)) {
		c.fail("", issue.Structure, "attachment-size",
			fmt.Sprintf("found a size of %d, but the data have %d bytes", size, len(body)),
			fmt.Sprintf("size 为 %d，而数据有 %d 字节", size, len(body)))
	}
	if hash == "" {
		return
	}
	told, err := decode64(hash)
	if err != nil {
		return
	}
	sum := digest(body, len(told))
	switch {
	case sum == nil:
		c.warn(".hash", issue.Value, "attachment-hash",
			fmt.Sprintf("found a hash of %d bytes, expected SHA-1 in base64: it was not compared", len(told)),
			fmt.Sprintf("hash 有 %d 字节，应为 SHA-1（base64），未作比较", len(told)))
	case string(told) != string(sum):
		c.fail(".hash", issue.Value, "attachment-hash",
			"the hash is not that of the data: expected "+base64.StdEncoding.EncodeToString(sum),
			"hash 与数据不符，应为 "+base64.StdEncoding.EncodeToString(sum))
	}
}

// digest is the hash of a size: SHA-1, as the specification asks, or SHA-256
// or SHA-512, which some use because SHA-1 proves nothing any more.
func digest(body []byte, size int) []byte {
	switch size {
	case sha1.Size:
		sum := sha1.Sum(body) //nolint:gosec // see above
		return sum[:]
	case sha256.Size:
		sum := sha256.Sum256(body)
		return sum[:]
	case sha512.Size:
		sum := sha512.Sum512(body)
		return sum[:]
	}
	return nil
}

// contentTypeRule wants type/subtype, with or without parameters.
func contentTypeRule(c *Context, n tree.Node) {
	value := text(n, "contentType")
	if value == "" {
		return
	}
	name, _, _ := strings.Cut(value, ";")
	typ, sub, ok := strings.Cut(strings.TrimSpace(name), "/")
	if !ok || !isToken(typ) || !isToken(sub) {
		c.warn(".contentType", issue.CodeInvalid, "mime-type",
			fmt.Sprintf("found %s, expected a MIME type such as application/pdf", issue.Quote(value)),
			fmt.Sprintf("contentType 为 %s，应为 MIME 类型，如 application/pdf", issue.Quote(value)))
	}
}

// isToken is the token of RFC 2045.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7F || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// decode64 reads base64 with white space, as FHIR allows it.
func decode64(s string) ([]byte, error) {
	if strings.ContainsAny(s, " \t\r\n") {
		s = strings.Map(func(r rune) rune {
			if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
				return -1
			}
			return r
		}, s)
	}
	return base64.StdEncoding.DecodeString(s)
}
