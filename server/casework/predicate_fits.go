package casework

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

const (
	systemCapability     = "urn:tenon:capability"
	systemMeasure        = "urn:tenon:measure"
	systemDesignProperty = "urn:tenon:design-property"
)

// fits('S08', 'S06', 'size feature accuracy roughness format') compares each
// machine of its input with the manufacturing models of a design stage and with
// the order (clause 6.1 a):
//
//	size       the box that the server measured of the file goes into the build
//	           volume, in some order of its sides
//	feature    the smallest wall measured, else the smallest feature that the
//	           design states, is not below the smallest that the machine makes
//	accuracy   the machine is at least as accurate as the closest tolerance
//	roughness  its surface is not rougher than the order allows
//	format     it reads the format of the file
//
// A violation is no. Where nothing is violated but a fact is missing, the answer
// is empty: not evaluated.
var fitsPredicate = predicate("fits", 3, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	models := slices.DeleteFunc(slices.Clone(e.documents("output", args[0], "design-model")), func(r *Resource) bool {
		return !hasCode(r.Root.Field("category"), "urn:tenon:model-purpose", "manufacturing")
	})
	if len(focus) == 0 || len(models) == 0 {
		return nil, nil
	}
	all := conform
	for _, item := range focus {
		machine := e.resourceOf(item)
		if machine == nil {
			return yes(false), nil
		}
		for _, model := range models {
			f := fitting{e, machine, model, e.documents("output", args[0], "design-definition"), e.documents("output", args[1], "order")}
			for _, aspect := range strings.Fields(args[2]) {
				all = worse(all, f.judge(aspect))
			}
		}
	}
	return all.answer()
})

// fitting is one machine beside one model.
type fitting struct {
	e              *evaluation
	machine, model *Resource
	designs        []*Resource
	orders         []*Resource
}

func (f *fitting) judge(aspect string) verdict {
	switch aspect {
	case "size":
		return f.size()
	case "feature":
		return f.atMost("min-feature", f.feature(), "the smallest feature that it makes", "最小特征")
	case "accuracy":
		return f.atMost("accuracy", f.tolerance(), "its accuracy", "精度")
	case "roughness":
		return f.atMost("roughness", f.roughness(), "the roughness of its surfaces", "粗糙度")
	case "format":
		return f.format()
	}
	return notEvaluated
}

// size compares the sides in order of length: the part may be turned.
func (f *fitting) size() verdict {
	var box, volume []*big.Rat
	for _, axis := range []string{"x", "y", "z"} {
		side, ok := f.e.measured(f.model, "box-"+axis)
		room, has := f.capability("build-" + axis)
		if !ok || !has {
			return notEvaluated
		}
		s, okSide := side.in("mm")
		r, okRoom := room.in("mm")
		if !okSide || !okRoom || !s.single() || !r.single() {
			return notEvaluated
		}
		box, volume = append(box, s.low), append(volume, r.low)
	}
	order := func(a, b *big.Rat) int { return a.Cmp(b) }
	slices.SortFunc(box, order)
	slices.SortFunc(volume, order)
	for i := range box {
		if box[i].Cmp(volume[i]) > 0 {
			f.say(fmt.Sprintf("%s is larger than the build volume of %s: a side of %s mm, room for %s mm.", f.model.Ref(), f.machine.Ref(), decimal(box[i]), decimal(volume[i])),
				fmt.Sprintf("%s 超出 %s 的成形尺寸：%s mm 大于 %s mm。", f.model.Ref(), f.machine.Ref(), decimal(box[i]), decimal(volume[i])))
			return nonconform
		}
	}
	return conform
}

// atMost tells whether what the machine can do is not above what is asked.
func (f *fitting) atMost(code string, asked []figure, english, chinese string) verdict {
	can, ok := f.capability(code)
	if !ok || !can.single() || len(asked) == 0 {
		return notEvaluated
	}
	for _, a := range asked {
		want, comparable := a.in(can.unit)
		if !comparable || want.high == nil {
			return notEvaluated
		}
		if can.high.Cmp(want.high) > 0 {
			f.say(fmt.Sprintf("%s: %s is %s, the design asks for %s.", f.machine.Ref(), english, can.text, a.text),
				fmt.Sprintf("%s：%s为 %s，设计要求 %s。", f.machine.Ref(), chinese, can.text, a.text))
			return nonconform
		}
	}
	return conform
}

// capability is a property of the machine.
func (f *fitting) capability(code string) (figure, bool) {
	for p := range f.machine.Root.Field("property").Items() {
		if hasCode(p.Field("type"), systemCapability, code) {
			return sound(p.Field("valueQuantity").First())
		}
	}
	return figure{}, false
}

// feature is the smallest wall that the server measured, else what the design
// states.
func (f *fitting) feature() []figure {
	if wall, ok := f.e.measured(f.model, "smallest-wall"); ok {
		return []figure{wall}
	}
	var all []figure
	for _, d := range f.designs {
		for p := range d.Root.Field("property").Items() {
			if v, ok := sound(p.Field("valueQuantity").First()); ok && hasCode(p.Field("type"), systemDesignProperty, "smallest-feature") {
				all = append(all, v)
			}
		}
	}
	return all
}

// tolerance is half of each range of a dimension.
func (f *fitting) tolerance() []figure {
	var all []figure
	for _, v := range f.required("dimension") {
		if v.low == nil || v.high == nil || v.single() {
			continue
		}
		half := new(big.Rat).Quo(new(big.Rat).Sub(v.high, v.low), big.NewRat(2, 1))
		all = append(all, figure{low: half, high: half, unit: v.unit, text: "±" + decimal(half) + " " + v.unit})
	}
	return all
}

func (f *fitting) roughness() []figure { return f.required("roughness") }

// required are the figures that the order states of a parameter.
func (f *fitting) required(code string) []figure {
	var all []figure
	for _, o := range f.orders {
		for p := range o.Root.Field("parameter").Items() {
			if v, ok := sound(p); ok && hasCode(p.Field("code"), systemParameter, code) {
				all = append(all, v)
			}
		}
	}
	return all
}

func (f *fitting) format() verdict {
	known := false
	for p := range f.machine.Root.Field("property").Items() {
		if !hasCode(p.Field("type"), systemCapability, "supported-format") {
			continue
		}
		known = true
		for c := range f.model.Root.Field("content").Items() {
			if hasCode(p.Field("valueCode"), "urn:ietf:bcp:13", c.Path("attachment", "contentType").Str()) {
				return conform
			}
		}
	}
	if !known {
		return notEvaluated
	}
	f.say(fmt.Sprintf("%s does not read the format of %s.", f.machine.Ref(), f.model.Ref()), fmt.Sprintf("%s 无法读取 %s 的格式。", f.machine.Ref(), f.model.Ref()))
	return nonconform
}

func (f *fitting) say(english, chinese string) { f.e.because(english, chinese) }

// sound is a figure without fault.
func sound(n tree.Node) (figure, bool) {
	v, fault := figureOf(n)
	return v, fault.english == ""
}

// measured is what the server measured of the present file of a document: what
// anybody else wrote does not count.
func (v *view) measured(document *Resource, code string) (figure, bool) {
	want := statedDigests(document.Root)
	var newest *Resource
	for i := range v.s.Resources {
		o := &v.s.Resources[i]
		if o.Type != "Observation" || o.Author != writtenByServer || !hasCode(o.Root.Field("code"), systemMeasure, code) || !aboutDocument(o.Root, document.Ref()) {
			continue
		}
		of := strings.ToLower(valueOf(extension(o.Root, extensionSHA256)).Str())
		if of != "" && strings.Contains(want, of) && (newest == nil || o.Updated.After(newest.Updated)) {
			newest = o
		}
	}
	if newest == nil {
		return figure{}, false
	}
	return sound(newest.Root.Field("valueQuantity"))
}
