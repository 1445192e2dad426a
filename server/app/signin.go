package app

import (
	"fmt"
	"time"

	"tenon/oauth"
)

// SignIn says how persons sign in, and for how long.
type SignIn struct {
	SecondFactor string        `help:"Who shows a second factor before a signature, administration or erasure: off, enrolled (those who have one) or required (everybody)." default:"enrolled" enum:"off,enrolled,required" env:"TENON_SIGN_IN_SECOND_FACTOR"`
	Fresh        time.Duration `help:"How long ago that may have been." default:"15m" env:"TENON_SIGN_IN_FRESH"`
	Life         time.Duration `help:"How long a session lasts at most." default:"8h" env:"TENON_SIGN_IN_LIFE"`
	Idle         time.Duration `help:"How long a session lasts that nothing is done with." default:"2h" env:"TENON_SIGN_IN_IDLE"`
}

func (s *SignIn) validate() error {
	switch s.SecondFactor {
	case "", oauth.SecondOff, oauth.SecondEnrolled, oauth.SecondRequired:
	default:
		return fmt.Errorf("sign-in-second-factor: %q is neither off, enrolled nor required", s.SecondFactor)
	}
	for name, d := range map[string]time.Duration{"fresh": s.Fresh, "life": s.Life, "idle": s.Idle} {
		if d < 0 || d > 7*24*time.Hour {
			return fmt.Errorf("sign-in-%s: at most a week", name)
		}
	}
	return nil
}

// stepUp is the same as oauth wants it.
func (s *SignIn) stepUp() oauth.StepUp { return oauth.StepUp{Who: s.SecondFactor, Fresh: s.Fresh} }
