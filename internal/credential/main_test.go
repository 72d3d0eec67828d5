package credential_test

import (
	"testing"

	"github.com/patchbay/patchbay/internal/house/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
