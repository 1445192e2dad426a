package casework_test

import (
	"slices"
	"time"

	"tenon/server/access"
	"tenon/server/casework"
)

type removal = func(w *world)

// put sets a member of a resource; a nil value removes it.
func put(ref, name string, value any) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) {
			if value == nil {
				delete(b, name)
				return
			}
			b[name] = value
		})
	}
}

// cut takes the coded item out of a list of a resource: a section, a parameter,
// a property, a term, an extension.
func cut(ref, list string, is func(item obj) bool) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) {
			items, _ := b[list].([]any)
			kept := slices.DeleteFunc(slices.Clone(items), func(i any) bool { return is(i.(obj)) })
			if len(kept) == len(items) {
				w.t.Fatalf("%s has no such %s", ref, list)
			}
			b[list] = kept
		})
	}
}

// is tells whether an item's CodeableConcept of that name has the code.
func is(name, code string) func(obj) bool {
	return func(item obj) bool {
		c, _ := item[name].(obj)
		codings, _ := c["coding"].([]any)
		return len(codings) > 0 && codings[0].(obj)["code"] == code
	}
}

func hasURL(name string) func(obj) bool {
	return func(item obj) bool { return item["url"] == "urn:tenon:extension:"+name }
}

// drop takes a resource out of the case.
func drop(refs ...string) removal {
	return func(w *world) {
		for _, r := range refs {
			delete(w.members, r)
		}
	}
}

// anew lets a stage be as if it had not been completed.
func anew(stage string) removal {
	return func(w *world) {
		w.alter(w.task(stage), func(b obj) {
			b["status"], b["businessStatus"] = "in-progress", concept("urn:tenon:substate", "working")
		})
	}
}

// later moves the clock.
func later(d time.Duration) removal { return func(w *world) { w.now = w.now.Add(d) } }

func unsigned(ref, purpose string, role access.Role) removal {
	return func(w *world) { w.unsign(ref, purpose, role) }
}

// asPerson makes the signature of a role one of another person.
func asPerson(ref string, role access.Role, person *access.Context) removal {
	return func(w *world) {
		sigs := slices.Clone(w.signatures)
		for i := range sigs {
			if sigs[i].Target == ref && sigs[i].Role == role {
				sigs[i].Person, sigs[i].Signer = person.Person, person.Principal
			}
		}
		w.signatures = sigs
	}
}

func unwaived(id string) removal {
	return func(w *world) {
		w.signatures = slices.DeleteFunc(slices.Clone(w.signatures), func(s casework.Signature) bool { return s.Purpose == "waive:"+id })
	}
}

// directory changes a resource of the directory.
func directory(ref, name string, value any) removal {
	return func(w *world) {
		w.alterDirectory(ref, func(b obj) { b[name] = value })
	}
}

// verification changes a VerificationResult, which stands in the directory.
func verification(id, name string, value any) removal {
	return directory("VerificationResult/"+id, name, value)
}

// verified puts a VerificationResult of the manufacturer's Bundle into the
// directory with a change.
func failed(document string) removal {
	return put(document, "conclusionCode", arr{concept("urn:tenon:verdict", "fail")})
}

const (
	other  = "Patient/other"
	year   = 365 * 24 * time.Hour
	expiry = 3 * year
)

func withPurposes(codes ...string) removal {
	return func(w *world) {
		w.alter("Consent/consent", func(b obj) {
			b["provision"].(obj)["purpose"] = purposes(codes...)
		})
	}
}

func inProvision(name string, value any) removal {
	return func(w *world) {
		w.alter("Consent/consent", func(b obj) {
			if value == nil {
				delete(b["provision"].(obj), name)
				return
			}
			b["provision"].(obj)[name] = value
		})
	}
}

// content changes the file of a document; stated says what the document says of
// its SHA-256.
func content(ref, stored string) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) {
			a := b["content"].([]any)[0].(obj)["attachment"].(obj)
			a["data"] = file(stored)["data"]
		})
	}
}

// refile replaces file and stated SHA-256 together.
func refile(ref, stored string) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) { b["content"] = arr{obj{"attachment": file(stored)}} })
	}
}

func labelPart(name string) removal {
	return func(w *world) {
		w.alter("Device/implant", func(b obj) {
			e := b["extension"].([]any)[0].(obj)
			e["extension"] = slices.DeleteFunc(e["extension"].([]any), func(p any) bool { return p.(obj)["url"] == name })
		})
	}
}

func labelDate(name, date string) removal {
	return func(w *world) {
		w.alter("Device/implant", func(b obj) {
			for _, p := range b["extension"].([]any)[0].(obj)["extension"].([]any) {
				if p.(obj)["url"] == name {
					p.(obj)["valueDate"] = date
				}
			}
		})
	}
}

// both applies removals together.
func both(list ...removal) removal {
	return func(w *world) {
		for _, r := range list {
			r(w)
		}
	}
}

func asProduct(ref string) removal {
	return put("DeviceDefinition/design", "parentDevice", obj{"reference": ref})
}

func input(document, target string) removal {
	return func(w *world) {
		w.alter(w.task("S11"), func(b obj) {
			for _, in := range b["input"].([]any) {
				if is("type", document)(in.(obj)) {
					in.(obj)["valueReference"] = obj{"reference": target}
				}
			}
		})
		w.joinOne(target)
	}
}

// aged lets the order state an age in years.
func aged(years int) removal {
	return func(w *world) {
		w.alter("DeviceRequest/order", func(b obj) {
			b["extension"] = append(b["extension"].([]any), ext("age-at-order", "valueAge", unit(float64(years), "a")))
		})
	}
}
