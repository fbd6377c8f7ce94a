package api

import (
	"context"
	"slices"
	"time"

	"github.com/backstophq/backstop"
)

// TestAccount answers POST /v1/accounts/{name}/test.
func (s *server) TestAccount(ctx context.Context, r TestAccountRequestObject) (TestAccountResponseObject, error) {
	account, err := s.accounts.GetAccount(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	test := backstop.AccountTest{
		Account: r.Name, To: r.Body.To, SendID: orZero(r.Body.SendID), Text: orZero(r.Body.Text),
	}
	if account.Channel == backstop.SMS { // TestAccount refuses the others
		if err := s.checkTest(ctx, test); err != nil {
			return nil, err
		}
	}
	tested, err := s.accounts.TestAccount(ctx, test)
	if err != nil {
		return nil, err
	}
	return TestAccount200JSONResponse{
		Result: AccountTestResult(tested.Result()), MessageID: omitZero(tested.MessageID), Segments: tested.Segments,
		TookMs: int(tested.Took / time.Millisecond), Error: s.showTestError(account.Provider, tested.Failure),
	}, nil
}

// checkTest validates a test. No test goes to a country that the guards refuse; the other guards do not count it. A person who
// has opted out gets none, because a test has no category and may be marketing.
func (s *server) checkTest(ctx context.Context, test backstop.AccountTest) error {
	country, err := backstop.CountryOf(test.To)
	if err := mergeInvalid(err, test.Validate()); err != nil {
		return err
	}
	if err := s.checkCountry(country); err != nil {
		return err
	}
	optedOut, err := s.optOuts.IsOptedOut(ctx, test.To, "")
	if err != nil || !optedOut {
		return err
	}
	return &backstop.Error{
		Code: backstop.Invalid, Message: "the recipient has opted out: no test is sent",
		Fields: []backstop.Field{backstop.NewField("to", backstop.FieldOptedOut,
			"has opted out: use another number")},
	}
}

// showTestError returns a failure with what its code means.
func (s *server) showTestError(provider string, f *backstop.Failure) *AccountTestError {
	if f == nil {
		return nil
	}
	shown := &AccountTestError{
		Kind: FailureKind(f.Kind), Class: omitZero(FailureClass(f.Class)), Code: omitZero(f.Code), Reason: omitZero(f.Reason),
	}
	i := slices.IndexFunc(s.errorCodes, func(c backstop.ErrorCode) bool {
		return f.Code != "" && c.Provider == provider && c.Code == f.Code
	})
	if i >= 0 {
		explained := showErrorCode(s.errorCodes[i]).Explained
		shown.Explained = &explained
	}
	return shown
}
