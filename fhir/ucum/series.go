package ucum

import "math/big"

// precision in bits: 30 digits of a result, and as many again for what the
// series lose.
const precision = 256

func float(n int64) *big.Float { return new(big.Float).SetPrec(precision).SetInt64(n) }

// tiny ends a series: 2^-(precision+8).
var tiny = new(big.Float).SetMantExp(big.NewFloat(1), -precision-8)

// inverseTangents sums z - sign z³/3 + z⁵/5 …: atanh for sign 1, atan for -1.
func inverseTangents(z *big.Float, sign int64) *big.Float {
	sum, power := float(0).Set(z), float(0).Set(z)
	square := float(0).Mul(z, z)
	square.Mul(square, float(sign))
	for n := int64(3); new(big.Float).Abs(power).Cmp(tiny) > 0; n += 2 {
		power.Mul(power, square)
		sum.Add(sum, float(0).Quo(power, float(n)))
	}
	return sum
}

// ln of a positive number: mantissa and exponent apart.
func ln(x *big.Float) *big.Float {
	m := float(0)
	e := x.MantExp(m) // 0.5 ≤ m < 1
	z := float(0).Quo(float(0).Sub(m, float(1)), float(0).Add(m, float(1)))
	y := inverseTangents(z, 1)
	y.Mul(y, float(2))
	return y.Add(y, float(0).Mul(float(int64(e)), ln2()))
}

func ln2() *big.Float {
	y := inverseTangents(float(0).Quo(float(1), float(3)), 1)
	return y.Mul(y, float(2))
}

// maxPower bounds the results of exp: e^±5000 has some 2,000 digits.
const maxPower = 5000

// exp is e^x: x = k ln 2 + r, and r is halved eight times.
func exp(x *big.Float) (*big.Float, bool) {
	if new(big.Float).Abs(x).Cmp(float(maxPower)) > 0 {
		return nil, false
	}
	quotient := float(0).Quo(x, ln2())
	k, _ := quotient.Int64()
	r := float(0).Sub(x, float(0).Mul(float(k), ln2()))
	const halvings = 8
	r.SetMantExp(r, -halvings)
	sum, part := float(1), float(1)
	for n := int64(1); part.Sign() != 0 && new(big.Float).Abs(part).Cmp(tiny) > 0; n++ {
		part.Mul(part, r)
		part.Quo(part, float(n))
		sum.Add(sum, part)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(k)), true
}

// atan halves the angle until the series is quick.
func atan(x *big.Float) *big.Float {
	const halvings = 6
	z := float(0).Set(x)
	for range halvings { // tan(a/2) = z / (1 + √(1 + z²))
		s := float(0).Mul(z, z)
		s.Sqrt(s.Add(s, float(1)))
		z.Quo(z, s.Add(s, float(1)))
	}
	y := inverseTangents(z, -1)
	return y.SetMantExp(y, halvings)
}

func pi() *big.Float { return float(0).SetMantExp(atan(float(1)), 2) }

// tan of an angle within a quarter turn: sine over cosine.
func tan(x *big.Float) *big.Float {
	sin, cos, part := float(0), float(0), float(1)
	for n := int64(1); new(big.Float).Abs(part).Cmp(tiny) > 0; n++ {
		term := float(0).Set(part)
		if (n-1)/2%2 == 1 {
			term.Neg(term)
		}
		if n%2 == 1 {
			cos.Add(cos, term)
		} else {
			sin.Add(sin, term)
		}
		part.Mul(part, x)
		part.Quo(part, float(n))
	}
	return sin.Quo(sin, cos)
}
