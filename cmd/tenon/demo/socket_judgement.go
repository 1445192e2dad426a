package demo

// conform is the verdict of a person.
func conform() obj { return obj{"valueCodeableConcept": code("verdict", "conform")} }

// sides compares sound side and prosthesis.
func (s *story) sides(of string, sound, prosthesis float64) obj {
	return s.observation(s.clin, of, "tape", obj{"component": arr{length("sound", sound), length("prosthesis", prosthesis)}})
}

// judgeItems are the items of 003 clauses 5.4 and 6.3 to 6.4, which the judgement
// of the device reports.
func (s *story) judgeItems() {
	gauge := s.observation(s.clin, "内径 inner diameter", "gauge", obj{
		"component": arr{length("measured", 98.3), length("model", 98.2)}, "extension": arr{ext("calibration", "valueString", "CAL-2026-17")},
		"device": ref(s.limb.scanner),
	})
	list := []struct {
		document string
		resource obj
	}{
		{"appearance", s.observation(s.clin, "外观 appearance", "sight", conform())},
		{"skin-hazard", s.observation(s.clin, "皮肤伤害 hazard to the skin", "touch", obj{"valueBoolean": false})},
		{"printed-dimension", s.observation(s.clin, "打印尺寸 printed dimension", "calliper", obj{"component": arr{length("measured", 98.4), length("model", 98.2)}})},
		{"height-difference", s.sides("高度 height", 452, 441)},
		{"foot-length-difference", s.sides("足长 foot", 245, 240)},
		{"shoe-fit", s.observation(s.clin, "鞋 shoe", "sight", obj{"valueBoolean": true})},
		{"alignment", s.alignment(s.clin, "对线 alignment")},
		{"odour", s.observation(s.clin, "气味 odour", "smell", conform())},
		{"skin-reaction-risk", s.observation(s.clin, "皮肤反应 skin reaction", "touch", conform())},
		{"inner-diameter", gauge},
	}
	var outputs []output
	results := arr{}
	for _, item := range list {
		at := s.create(s.clin, item.resource)
		outputs, results = append(outputs, output{item.document, at}), append(results, ref(at))
	}
	s.limb.judged = map[string]arr{"category": results}
	s.course.name(s.clin, "S15", outputs...)
}

// answerAlignment shows what the server computes, and what it cannot: the limits of
// GB/T 13461 are not loaded, so a person answers for the alignment.
func (s *story) answerAlignment() {
	c := s.course
	end := func() request { return patch(s.clin, c.task("S15"), step(s.clin, "completed")) }
	s.refused("S15", refusal{"prosthesis-too-short", 422, "G-JUDGE/height-within", "Task.status"}, end())
	s.tell.line("S15", s.clin, "%s", c.why("S15", "G-JUDGE/height-within"))
	s.corrected(s.clin, c.outputs("S15")["height-difference"], arr{length("sound", 452), length("prosthesis", 448)})
	s.refused("S15", refusal{"alignment-not-evaluated", 422, "G-JUDGE/alignment-transtibial", "Task.status"}, end())
	c.answers(s.clin, "alignment-transtibial")
}

// wear are the tests of wearing, 003 clause 5.5.
func (s *story) wear() {
	c := s.course
	stand := func(load float64) arr {
		return arr{length("foot-gap", 80), part("load", "valueQuantity", quantity(load, "%")), part("stable", "valueBoolean", true)}
	}
	list := []struct {
		document string
		resource obj
	}{
		{"donning", s.observation(s.clin, "穿脱 donning and doffing", "interview", conform())},
		{"sitting", s.observation(s.clin, "坐姿 sitting", "instrument", obj{"component": arr{part("knee-angle", "valueQuantity", quantity(98, "deg")), part("can-sit", "valueBoolean", true)}})},
		{"standing", s.observation(s.clin, "站立 standing", "instrument", obj{"component": stand(41)})},
		{"foot-length", s.sides("足长 foot, worn", 245, 240)},
		{"limb-length", s.sides("肢长 limb, worn", 452, 447)},
		{"stump-skin", s.observation(s.clin, "残肢皮肤 skin of the stump", "sight", obj{"component": arr{finding("pressure", false), finding("pain", false)}})},
	}
	for _, activity := range []string{"different-surfaces", "stairs-up", "stairs-down", "cycling", "squatting"} {
		parts := arr{}
		for _, p := range []string{"stance", "swing", "gait", "noise"} {
			parts = append(parts, part(p, "valueCodeableConcept", code("normality", "normal")))
		}
		o := s.observation(s.clin, "", "sight", obj{"code": code("gait-activity", activity), "component": parts})
		list = append(list, struct {
			document string
			resource obj
		}{"gait", o})
	}
	var outputs []output
	for _, item := range list {
		outputs = append(outputs, output{item.document, s.create(s.clin, item.resource)})
	}
	c.name(s.clin, "S16", outputs...)
	s.refused("S16", refusal{"limbs-loaded-unequally", 422, "G-ACCEPT/loads-equally", "Task.status"}, patch(s.clin, c.task("S16"), step(s.clin, "completed")))
	s.corrected(s.clin, c.outputs("S16")["standing"], stand(49))
}
