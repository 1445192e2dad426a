package hospital

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// money is a price in yuan.
func money(r *rand.Rand) string {
	return fmt.Sprintf(`{"value":%d.%02d,"currency":"CNY"}`, 10+r.IntN(5000), r.IntN(100))
}

const claimType = `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"institutional"}]}`

func items(r *rand.Rand, extra string) string {
	out := ""
	for i := range 3 {
		if i > 0 {
			out += ","
		}
		out += fmt.Sprintf(`{"sequence":%d,"productOrService":{"coding":[{"system":"urn:hospital:service","code":"s%03d"}],"text":"服务项目"},"net":%s%s}`, i+1, r.IntN(500), money(r), extra)
	}
	return out
}

// Claim is a bill.
func Claim(r *rand.Rand, patient string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"resourceType":"Claim","status":"active","type":%s,"use":"claim","patient":{"reference":%q},"billablePeriod":{"start":%q,"end":%q},"created":%q,`+
		`"insurer":{"reference":"Organization/insurer"},"provider":{"reference":"Organization/house"},"priority":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/processpriority","code":"normal"}]},`+
		`"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"基本医疗保险"}}],"item":[%s],"total":%s}`,
		claimType, patient, at.Format("2006-01-02"), at.AddDate(0, 0, 3).Format("2006-01-02"), at.AddDate(0, 0, 4).Format("2006-01-02"), items(r, ""), money(r))
}

// Benefit is what the insurer answers to it.
func Benefit(r *rand.Rand, patient, claim string, at time.Time) []byte {
	const adjudication = `,"adjudication":[{"category":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/adjudication","code":"benefit"}]},"amount":{"value":10.5,"currency":"CNY"}}]`
	return fmt.Appendf(nil, `{"resourceType":"ExplanationOfBenefit","status":"active","type":%s,"use":"claim","patient":{"reference":%q},"billablePeriod":{"start":%q,"end":%q},"created":%q,`+
		`"insurer":{"reference":"Organization/insurer"},"provider":{"reference":"Organization/house"},"claim":{"reference":%q},"outcome":"complete",`+
		`"insurance":[{"focal":true,"coverage":{"display":"基本医疗保险"}}],"item":[%s],"payment":{"amount":%s}}`,
		claimType, patient, at.Format("2006-01-02"), at.AddDate(0, 0, 3).Format("2006-01-02"), at.AddDate(0, 0, 5).Format("2006-01-02"), claim, items(r, adjudication), money(r))
}
