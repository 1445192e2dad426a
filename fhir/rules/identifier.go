package rules

// https://hl7.org/fhir/R4/datatypes.html#Identifier
// https://hl7.org/fhir/R4/datatypes.html#Coding

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// identifierRule wants an absolute system, and a URI as the value where the
// system says that it is one.
func identifierRule(c *Context, n tree.Node) {
	system, value := text(n, "system"), text(n, "value")
	if system != "" && !absolute(system) {
		c.fail(".system", issue.Value, "identifier-system",
			fmt.Sprintf("found the system %s, expected an absolute URI", issue.Quote(system)),
			fmt.Sprintf("system 为 %s，应为绝对 URI", issue.Quote(system)))
	}
	if value == "" {
		return
	}
	if system == "urn:dicom:uid" {
		if oid, ok := strings.CutPrefix(value, "urn:oid:"); !ok || !isOID(oid) {
			c.warn(".value", issue.Value, "identifier-dicom",
				fmt.Sprintf("found %s, expected urn:oid: and a UID of DICOM", issue.Quote(value)),
				fmt.Sprintf("value 为 %s，应为 urn:oid: 加 DICOM UID", issue.Quote(value)))
		}
		return
	}
	if system != "urn:ietf:rfc:3986" {
		return
	}
	uuid, isUUIDURN := strings.CutPrefix(value, "urn:uuid:")
	oid, isOIDURN := strings.CutPrefix(value, "urn:oid:")
	switch {
	case !absolute(value) || strings.ContainsAny(value, " \t\r\n"):
		c.fail(".value", issue.Value, "identifier-uri",
			fmt.Sprintf("found %s, expected a complete URI, since the system is urn:ietf:rfc:3986: urn:uuid:…, urn:oid:…, https://…", issue.Quote(value)),
			fmt.Sprintf("system 为 urn:ietf:rfc:3986，value %s 应为完整的 URI：urn:uuid:…、urn:oid:…、https://…", issue.Quote(value)))
	case isUUIDURN && !isUUID(uuid):
		c.fail(".value", issue.Value, "identifier-uri",
			fmt.Sprintf("found %s, expected a UUID in lower case behind urn:uuid:", issue.Quote(value)),
			fmt.Sprintf("value 为 %s，urn:uuid: 之后应为小写 UUID", issue.Quote(value)))
	case isOIDURN && !isOID(oid):
		c.fail(".value", issue.Value, "identifier-uri",
			fmt.Sprintf("found %s, expected an OID behind urn:oid:", issue.Quote(value)),
			fmt.Sprintf("value 为 %s，urn:oid: 之后应为 OID", issue.Quote(value)))
	}
}

// codingRule wants a system, and one that is absolute.
func codingRule(c *Context, n tree.Node) {
	code, system := n.Field("code"), n.Field("system")
	switch {
	case system.Kind() == tree.String:
		if s := system.Str(); !absolute(s) && !strings.HasPrefix(s, "#") {
			c.fail(".system", issue.Value, "coding-system",
				fmt.Sprintf("found the system %s, expected an absolute URI", issue.Quote(s)),
				fmt.Sprintf("system 为 %s，应为绝对 URI", issue.Quote(s)))
		} else if s == "urn:ietf:rfc:3986" && code.Kind() == tree.String && !absolute(code.Str()) {
			c.warn(".code", issue.CodeInvalid, "coding-uri",
				fmt.Sprintf("found %s, expected a complete URI, since the system is urn:ietf:rfc:3986", issue.Quote(code.Str())),
				fmt.Sprintf("system 为 urn:ietf:rfc:3986，代码 %s 应为完整的 URI", issue.Quote(code.Str())))
		}
	case code.Kind() == tree.String && !system.Exists():
		c.warn("", issue.CodeInvalid, "coding-no-system",
			fmt.Sprintf("the code %s has no system, so it means nothing: give its code system", issue.Quote(code.Str())),
			fmt.Sprintf("代码 %s 没有 system，含义不明，请给出代码系统", issue.Quote(code.Str())))
	}
}

// contactPointRule warns of a value that its system can't have.
func contactPointRule(c *Context, n tree.Node) {
	value := text(n, "value")
	if value == "" {
		return
	}
	wrong := ""
	switch text(n, "system") {
	case "email":
		local, host, ok := strings.Cut(strings.TrimPrefix(value, "mailto:"), "@")
		if !ok || local == "" || host == "" || strings.ContainsAny(value, " \t\r\n") {
			wrong = "an e-mail address"
		}
	case "url":
		if !absolute(value) {
			wrong = "an absolute URL"
		}
	case "phone", "fax", "sms", "pager":
		if !strings.ContainsAny(value, "0123456789") && !hasDigit(value) {
			wrong = "a number"
		}
	}
	if wrong != "" {
		c.warn(".value", issue.Value, "contact-point",
			fmt.Sprintf("found %s, expected %s", issue.Quote(value), wrong),
			fmt.Sprintf("联系方式 %s 与其 system(%s) 不符", issue.Quote(value), text(n, "system")))
	}
}

// hasDigit finds digits of other scripts, and a keypad's letters (1-800-…).
func hasDigit(s string) bool {
	for _, r := range s {
		if r >= '٠' && r <= '٩' || r >= '０' && r <= '９' {
			return true
		}
	}
	return false
}

// humanNameRule warns of a name without anything that names.
func humanNameRule(c *Context, n tree.Node) {
	for _, part := range [...]string{"family", "text", "given", "prefix", "suffix", "extension", "_text", "_family", "_given"} {
		if n.Field(part).Exists() {
			return
		}
	}
	c.warn("", issue.Value, "human-name",
		"the name holds no name: give text, family or given", "姓名为空，请填写 text、family 或 given")
}
