package casework

// Whereabouts tells where the device of a case is, by the stages of the process
// and what is known of the device: the answer to a recall.
//
//	cancelled        the case was
//	quarantined      a device of it is inactive, or its use is on hold
//	implanted        its use is on record
//	released         the clinician has assessed its conformity (S17)
//	accepted         S16
//	delivered        S13: received by the hospital
//	produced         S11: released by the manufacturer
//	in-production    S11 is at work or on hold
//	in-preparation   before that
//
// The snapshot needs the Tasks, the Devices and the uses of the case alone.
func Whereabouts(s *Snapshot) string {
	state := "in-preparation"
	reached := func(stage string) Substate {
		best := Substate("")
		for i := range s.Resources {
			if r := &s.Resources[i]; r.Type == "Task" && stageOf(r.Root) == stage {
				if sub := substateOf(r.Root); best != Completed {
					best = sub
				}
			}
		}
		return best
	}
	switch reached("S11") {
	case Working, ChangePending, Nonconformity, Failed:
		state = "in-production"
	case Completed:
		state = "produced"
	}
	for _, step := range []struct{ stage, state string }{{"S13", "delivered"}, {"S16", "accepted"}, {"S17", "released"}} {
		if reached(step.stage) == Completed {
			state = step.state
		}
	}
	for i := range s.Resources {
		r := &s.Resources[i]
		switch {
		case r.Type == "Task" && r.ID == s.Case && r.Root.Field("status").Str() == "cancelled":
			return "cancelled"
		case (r.Type == "Procedure" || r.Type == "DeviceUseStatement") && state == "released":
			if status := r.Root.Field("status").Str(); status == "completed" || status == "in-progress" || status == "active" {
				state = "implanted"
			}
		}
	}
	for i := range s.Resources {
		if r := &s.Resources[i]; r.Type == "Device" && r.Root.Field("patient").Exists() && r.Root.Field("status").Str() == "inactive" {
			return "quarantined"
		}
	}
	return state
}
