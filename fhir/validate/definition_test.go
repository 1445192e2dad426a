package validate_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"tenon/fhir/definition"
)

const own = "http://tenon.test/StructureDefinition/"

// define makes a conformance resource of its JSON.
func define(src string) *definition.Resource {
	r, err := definition.Read([]byte(src), "")
	if err != nil {
		panic(fmt.Sprintf("%s: %v", src, err))
	}
	return r
}

// profileOf makes a profile of a type of the elements of its differential: JSON
// objects with commas between. {id} stands for an id equal to the path.
func profileOf(name, typ, elements string) *definition.Resource {
	return derived(name, typ, "http://hl7.org/fhir/StructureDefinition/"+typ, elements)
}

func derived(name, typ, base, elements string) *definition.Resource {
	kind := "resource"
	if strings.Contains(" Extension Quantity HumanName CodeableConcept Identifier Coding Address ", " "+typ+" ") {
		kind = "complex-type"
	}
	var list []object
	if err := json.Unmarshal([]byte("["+elements+"]"), &list); err != nil {
		panic(fmt.Sprintf("%s: %v", elements, err))
	}
	for _, e := range list {
		if e["path"] == nil { // an id tells the path
			var path []string
			for step := range strings.SplitSeq(e["id"].(string), ".") {
				element, slice, sliced := strings.Cut(step, ":")
				if path = append(path, element); sliced {
					e["sliceName"] = slice
				} else {
					delete(e, "sliceName")
				}
			}
			e["path"] = strings.Join(path, ".")
		}
	}
	return define(write(object{
		"resourceType": "StructureDefinition", "url": own + name, "name": name, "status": "active", "kind": kind,
		"abstract": false, "type": typ, "baseDefinition": base, "derivation": "constraint",
		"differential": object{"element": list},
	}))
}

// extensionOf defines an extension that may stand at one place and has a value
// of one type.
func extensionOf(url, context, typ string) *definition.Resource {
	return define(write(object{
		"resourceType": "StructureDefinition", "url": url, "name": "E", "status": "active", "kind": "complex-type",
		"abstract": false, "type": "Extension", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension", "derivation": "constraint",
		"context": []any{object{"type": "element", "expression": context}},
		"differential": object{"element": []any{
			object{"id": "Extension", "path": "Extension"},
			object{"id": "Extension.extension", "path": "Extension.extension", "max": "0"},
			object{"id": "Extension.url", "path": "Extension.url", "fixedUri": url},
			object{"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": []any{object{"code": typ}}},
		}},
	}))
}

// claim adds a profile to the meta of a document.
func claim(src, name string) string {
	o := read(src)
	o["meta"] = object{"profile": []any{own + name}}
	return write(o)
}
