package rules

// https://hl7.org/fhir/R4/datatypes.html#Signature

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// signatureRule judges the form of a signature. What it signs is judged where
// that is known: by the Bundle.
func signatureRule(c *Context, n tree.Node) {
	format, data := text(n, "sigFormat"), text(n, "data")
	if data == "" {
		return
	}
	if format == "" {
		c.warn("", issue.Value, "signature-format", "the signature has data but no sigFormat: nobody can read it",
			"签名有 data 但没有 sigFormat，无法解读")
		return
	}
	if !isJOSE(format) {
		return
	}
	s, err := readJWS(data)
	if err != nil {
		c.fail(".data", issue.Value, "signature-jws",
			fmt.Sprintf("the data are not a JWS in the compact form: %v", err), "data 不是有效的 JWS 紧凑格式签名")
		return
	}
	if s.payload != nil {
		c.warn(".data", issue.Value, "signature-payload", "the JWS carries its payload: a signature in FHIR is detached, header..signature",
			"JWS 内含载荷，FHIR 签名应为分离式(header..signature)")
	}
	if told := text(s.header, "sigT"); told != "" && text(n, "when") != "" {
		if order, ok := compareInstants(told, text(n, "when")); ok && order != 0 {
			c.warn(".when", issue.Value, "signature-when",
				fmt.Sprintf("found %s, but the signed time is %s", issue.Quote(text(n, "when")), issue.Quote(told)),
				fmt.Sprintf("签名时间 %s 与已签名的时间 %s 不符", issue.Quote(text(n, "when")), issue.Quote(told)))
		}
	}
}

func isJOSE(format string) bool {
	name, _, _ := strings.Cut(format, ";")
	return strings.TrimSpace(name) == "application/jose"
}

// signature verifies Bundle.signature, where its key is in it. Whose key that
// is, and whether to trust it, is not judged.
func (b *bundle) signature() {
	n := b.node.Field("signature")
	data := text(n, "data")
	if data == "" || !isJOSE(text(n, "sigFormat")) {
		return
	}
	s, err := readJWS(data)
	if err != nil {
		return // reported by signatureRule
	}
	if s.key == nil {
		b.c.inform("", issue.Informational, "signature-unverified",
			"the signature was not verified: its key is not in it", "签名未验证：其中没有公钥")
		return
	}
	method := text(s.header, "canon")
	if method == "" {
		method = targetCanon(text(n, "targetFormat"))
	}
	content, known := canonical(b.node, method)
	if !known {
		b.c.inform("", issue.NotSupported, "signature-unverified",
			fmt.Sprintf("the signature was not verified: the canonicalization %s is not known here", issue.Quote(method)),
			fmt.Sprintf("签名未验证：不支持规范化方法 %s", issue.Quote(method)))
		return
	}
	b.verify(s, content)
}

func (b *bundle) verify(s *jws, content []byte) {
	if s.payload != nil && string(s.payload) != string(content) {
		b.c.fail("", issue.Value, "signature-content",
			fmt.Sprintf("the Bundle is not what was signed: its canonical form has %d bytes, the signed payload %d", len(content), len(s.payload)),
			fmt.Sprintf("Bundle 与签名时的内容不同：规范形式为 %d 字节，已签名的载荷为 %d 字节", len(content), len(s.payload)))
	}
	payload := content
	if s.payload != nil {
		payload = s.payload
	}
	if !s.verify(payload) {
		b.c.fail("", issue.Value, "signature-invalid",
			"the signature does not verify by the key in it: the Bundle was changed, or signed by another key",
			"用签名中的公钥验证失败：Bundle 已被更改，或由其他密钥签名")
		return
	}
	b.c.inform("", issue.Informational, "signature-verified",
		"the signature verifies by the key in it ("+orNot(s.signer, "no certificate")+"); whether to trust that key was not judged",
		"签名验证通过（"+orNot(s.signer, "无证书")+"）；未判断该密钥是否可信")
}

func orNot(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// targetCanon reads the canonicalization from a MIME type's parameter.
func targetCanon(format string) string {
	for part := range strings.SplitSeq(format, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "canonicalization="); ok {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}
