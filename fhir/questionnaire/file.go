package questionnaire

import (
	"fmt"
	"math/big"
	"path"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/ucum"
)

// attachment judges the kind and the size of an attachment. Whether its size
// is told rightly is the base validator's.
func (k *checker) attachment(q *question, value tree.Node, at *place) {
	if found := value.Field("contentType").Str(); len(q.mimeTypes) > 0 && !mimeAllowed(found, q.mimeTypes) {
		k.fail(at, issue.Required, "questionnaire-mime-type",
			fmt.Sprintf("found an attachment of type %s, expected %s", issue.Quote(found), list(q.mimeTypes)),
			fmt.Sprintf("附件类型为 %s，应为 %s", issue.Quote(found), list(q.mimeTypes)))
	}
	most, ok := ucum.Number(q.maxSize.Text())
	size, known := attachmentSize(value)
	if ok && known && new(big.Rat).SetInt64(size).Cmp(most) > 0 {
		k.fail(at, issue.Required, "questionnaire-max-size",
			fmt.Sprintf("found an attachment of %d bytes, expected at most %s", size, q.maxSize.Text()),
			fmt.Sprintf("附件有 %d 字节，应至多 %s 字节", size, q.maxSize.Text()))
	}
}

func mimeAllowed(found string, allowed []string) bool {
	found, _, _ = strings.Cut(strings.ToLower(found), ";")
	found = strings.TrimSpace(found)
	for _, a := range allowed {
		a, _, _ = strings.Cut(strings.ToLower(a), ";")
		if matched, err := path.Match(strings.TrimSpace(a), found); err == nil && matched {
			return true
		}
	}
	return false
}

// attachmentSize is the number of bytes that the data hold, or that are told.
func attachmentSize(n tree.Node) (int64, bool) {
	if data := n.Field("data").Str(); data != "" {
		chars, pad := 0, 0
		for i := range len(data) {
			switch data[i] {
			case ' ', '\n', '\r', '\t':
			case '=':
				pad++
				chars++
			default:
				chars++
			}
		}
		return int64(chars/4*3 - pad), true
	}
	r, ok := ucum.Number(n.Field("size").Text())
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return r.Num().Int64(), true
}

// reference judges the type of what an answer refers to.
func (k *checker) reference(q *question, value tree.Node, at *place) {
	found := k.target(value)
	switch {
	case found == "":
		return
	case !k.c.Model.IsResource(found):
		k.fail(at, issue.Invariant, "questionnaire-reference-type",
			fmt.Sprintf("found the resource type %s in the reference %s: there is no such type", issue.Quote(found), issue.Quote(value.Field("reference").Str())),
			fmt.Sprintf("引用 %s 中的资源类型 %s 不存在", issue.Quote(value.Field("reference").Str()), issue.Quote(found)))
		return
	case len(q.resources) > 0 && !contains(q.resources, found):
		k.fail(at, issue.Invariant, "questionnaire-reference-type",
			fmt.Sprintf("found a reference to %s, expected one to %s", found, list(q.resources)),
			fmt.Sprintf("引用指向 %s，应指向 %s", found, list(q.resources)))
		return
	}
	if wanted := k.profiled(q.profiles); len(wanted) > 0 && !contains(wanted, found) {
		k.fail(at, issue.Invariant, "questionnaire-reference-type",
			fmt.Sprintf("found a reference to %s, expected one to a resource of the profile %s", found, list(q.profiles)),
			fmt.Sprintf("引用指向 %s，应指向符合 %s 的资源", found, list(q.profiles)))
	}
}

// profiled are the types that profiles constrain; none when one is not known.
func (k *checker) profiled(profiles []string) []string {
	var types []string
	for _, p := range profiles {
		sd := k.c.Library.Find("StructureDefinition", p)
		if sd == nil {
			return nil
		}
		types = append(types, sd.Of)
	}
	return types
}

// target is the resource type that a reference tells or leads to; "" when that
// is not known. It need not be a type of FHIR.
func (k *checker) target(ref tree.Node) string {
	literal := ref.Field("reference").Str()
	if strings.HasPrefix(literal, "#") {
		for c := range k.response.Field("contained").Items() {
			if c.Field("id").Str() == literal[1:] {
				return c.Field("resourceType").Str()
			}
		}
		return ref.Field("type").Str()
	}
	if name := urlType(literal); name != "" {
		return name
	}
	if k.c.Resolve != nil && literal != "" {
		if n, ok := k.c.Resolve(literal); ok {
			return n.Field("resourceType").Str()
		}
	}
	return ref.Field("type").Str()
}

// urlType reads Type from [base/]Type/id[/_history/version].
func urlType(literal string) string {
	literal, _, _ = strings.Cut(literal, "#")
	if strings.HasPrefix(literal, "urn:") {
		return ""
	}
	parts := strings.Split(literal, "/")
	if n := len(parts); n >= 4 && parts[n-2] == "_history" {
		parts = parts[:n-2]
	}
	n := len(parts)
	if n < 2 || parts[n-2] == "" || parts[n-2][0] < 'A' || parts[n-2][0] > 'Z' {
		return ""
	}
	for i := range len(parts[n-2]) {
		if c := parts[n-2][i] | 0x20; c < 'a' || c > 'z' {
			return ""
		}
	}
	return parts[n-2]
}
