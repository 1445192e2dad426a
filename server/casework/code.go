package casework

import (
	"slices"
	"strings"

	"tenon/fhir/tree"
)

// Code systems and extensions of Tenon that this room reads.
const (
	systemRole      = "urn:tenon:role"
	systemStage     = "urn:tenon:stage"
	systemSubstate  = "urn:tenon:substate"
	systemDocument  = "urn:tenon:document"
	systemLink      = "urn:tenon:task-link" // predecessor, supersedes
	systemSetting   = "urn:tenon:setting"
	systemOperation = "urn:tenon:operation"
	systemCustody   = "urn:tenon:custody"
	systemCheck     = "urn:tenon:check"
	systemCase      = "urn:tenon:case"

	extensionPrefix = "urn:tenon:extension:"
	extensionSHA256 = extensionPrefix + "sha-256"
	extensionGrade  = extensionPrefix + "grade"
	translation     = "http://hl7.org/fhir/StructureDefinition/translation"
)

// codesOf returns the codes of one system in a CodeableConcept, or in each of a
// list of them.
func codesOf(concept tree.Node, system string) []string {
	var codes []string
	for c := range concept.Items() {
		for coding := range c.Field("coding").Items() {
			if coding.Field("system").Str() == system {
				codes = append(codes, coding.Field("code").Str())
			}
		}
	}
	return codes
}

// codeOf is the first of codesOf, or "".
func codeOf(concept tree.Node, system string) string {
	if codes := codesOf(concept, system); len(codes) > 0 {
		return codes[0]
	}
	return ""
}

func hasCode(concept tree.Node, system, code string) bool {
	return slices.Contains(codesOf(concept, system), code)
}

// referenceOf is "Type/id" of a Reference: a version and the base of an own
// absolute reference are taken off.
func referenceOf(n tree.Node) string { return cleanReference(n.Field("reference").Str()) }

func cleanReference(ref string) string {
	ref, _, _ = strings.Cut(ref, "/_history/")
	if !strings.Contains(ref, "://") {
		return ref
	}
	parts := strings.Split(ref, "/")
	if len(parts) < 2 {
		return ref
	}
	return strings.Join(parts[len(parts)-2:], "/")
}

// referencesOf are the targets of an element that is a Reference or a list.
func referencesOf(n tree.Node) []string {
	var refs []string
	for item := range n.Items() {
		if ref := referenceOf(item); ref != "" {
			refs = append(refs, ref)
		}
	}
	return refs
}

// extension is the first extension of that URL on an element.
func extension(n tree.Node, url string) tree.Node {
	for ext := range n.Field("extension").Items() {
		if ext.Field("url").Str() == url {
			return ext
		}
	}
	return tree.Node{}
}

// extensions are all of one URL.
func extensions(n tree.Node, url string) []tree.Node {
	var found []tree.Node
	for ext := range n.Field("extension").Items() {
		if ext.Field("url").Str() == url {
			found = append(found, ext)
		}
	}
	return found
}

// valueOf is the value[x] of an extension, parameter, input or output.
func valueOf(n tree.Node) tree.Node {
	for name, child := range n.Fields() {
		if strings.HasPrefix(name, "value") && len(name) > len("value") {
			return child
		}
	}
	return tree.Node{}
}

// chineseOf is the Chinese translation of a primitive: n is its _sibling.
func chineseOf(sibling tree.Node) string {
	for ext := range sibling.Field("extension").Items() {
		if ext.Field("url").Str() == translation && valueOf(extension(ext, "lang")).Str() == "zh" {
			return valueOf(extension(ext, "content")).Str()
		}
	}
	return ""
}
