package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"tenon/oauth"
)

// SignIn says how persons sign in, and for how long.
type SignIn struct {
	SecondFactor string        `help:"Who shows a second factor before a signature, administration or erasure: off, enrolled (those who have one) or required (everybody)." default:"enrolled" enum:"off,enrolled,required" env:"TENON_SIGN_IN_SECOND_FACTOR"`
	Fresh        time.Duration `help:"How long ago that may have been." default:"15m" env:"TENON_SIGN_IN_FRESH"`
	Life         time.Duration `help:"How long a session lasts at most." default:"8h" env:"TENON_SIGN_IN_LIFE"`
	Idle         time.Duration `help:"How long a session lasts that nothing is done with." default:"2h" env:"TENON_SIGN_IN_IDLE"`
	Providers    string        `help:"JSON file with other OpenID providers by whom people may sign in: a list of name, label, issuer, client, secret, numberClaim, numberSystem." type:"path" env:"TENON_SIGN_IN_PROVIDERS"`

	Brands string `help:"JSON file with the Bundle of User-access Brands by which patients find this server." type:"path" env:"TENON_SIGN_IN_BRANDS"`

	AddressRate float64 `help:"Requests a second that one address may send to sign-in, token and the like." default:"50" env:"TENON_SIGN_IN_ADDRESS_RATE"`
	ClientRate  float64 `help:"Requests a second that one app may send to the token endpoint." default:"50" env:"TENON_SIGN_IN_CLIENT_RATE"`
	NameRate    float64 `help:"Sign-ins a second that one name may try." default:"5" env:"TENON_SIGN_IN_NAME_RATE"`
	Burst       float64 `help:"How many seconds' worth of these may come at once." default:"20" env:"TENON_SIGN_IN_BURST"`
}

// brands reads the Bundle that patients find the server by; nil where there is none.
func (s *SignIn) brands(base string) (*oauth.Brands, error) {
	if s.Brands == "" {
		return nil, nil //nolint:nilnil // none is published
	}
	body, err := os.ReadFile(s.Brands)
	if err == nil {
		var b *oauth.Brands
		if b, err = oauth.ReadBrands(body, base); err == nil {
			return b, nil
		}
	}
	return nil, fmt.Errorf("sign-in-brands: %w", err)
}

// rates are the same as oauth wants them.
func (s *SignIn) rates() oauth.Rates {
	return oauth.Rates{Address: s.AddressRate, Client: s.ClientRate, Name: s.NameRate, Burst: s.Burst}
}

func (s *SignIn) validate() error {
	switch s.SecondFactor {
	case "", oauth.SecondOff, oauth.SecondEnrolled, oauth.SecondRequired:
	default:
		return fmt.Errorf("sign-in-second-factor: %q is neither off, enrolled nor required", s.SecondFactor)
	}
	for name, rate := range map[string]float64{"address-rate": s.AddressRate, "client-rate": s.ClientRate, "name-rate": s.NameRate, "burst": s.Burst} {
		if rate < 0 || rate > 1e6 {
			return fmt.Errorf("sign-in-%s: between 0 (no limit) and a million", name)
		}
	}
	for name, d := range map[string]time.Duration{"fresh": s.Fresh, "life": s.Life, "idle": s.Idle} {
		if d < 0 || d > 7*24*time.Hour {
			return fmt.Errorf("sign-in-%s: at most a week", name)
		}
	}
	return nil
}

// issuers reads the file of providers.
func (s *SignIn) issuers() (list []oauth.Issuer, err error) {
	if s.Providers == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.Providers)
	if err != nil {
		return nil, fmt.Errorf("sign-in-providers: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("sign-in-providers: %w", err)
	}
	for i := range list {
		if err := list[i].Check(); err != nil {
			return nil, fmt.Errorf("sign-in-providers: %w", err)
		}
	}
	return list, nil
}

// stepUp is the same as oauth wants it.
func (s *SignIn) stepUp() oauth.StepUp { return oauth.StepUp{Who: s.SecondFactor, Fresh: s.Fresh} }
