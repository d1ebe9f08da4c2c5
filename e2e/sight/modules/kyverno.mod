module gitonly.dev/gitonly/e2e/sight/kyverno

go 1.26.0

require github.com/kyverno/kyverno v1.19.1
