package casework_test
import ("testing";"tenon/server/casework")
func TestZZ(t *testing.T){ p,err:=casework.CompilePlan(definition(t,"socket").Root); if err!=nil {t.Fatal(err)}; n:=0; for _,s:=range p.Stages {n+=len(s.Conditions)}; t.Log(len(p.Stages),n) }
