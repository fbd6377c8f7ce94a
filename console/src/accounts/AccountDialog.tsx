import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Provider } from "../api/client";
import { type AccountItem, providersQuery } from "../api/queries";
import { AccountForm } from "./AccountForm";
import { ProviderChoice } from "./ProviderChoice";

interface Props {
  account?: AccountItem | undefined; // undefined to add one
  onClose: () => void;
  onSaved: (account: AccountItem) => void;
}

/** AccountDialog adds an account, for which it first asks for the provider, or edits one. */
export function AccountDialog({ account, onClose, onSaved }: Props) {
  const providers = useQuery(providersQuery).data?.items;
  const [chosen, setChosen] = useState<Provider>();
  const [opener] = useState(() => document.activeElement);
  const provider = account ? providers?.find(({ name }) => name === account.provider) : chosen;
  if (!provider) {
    return account ? null : <ProviderChoice providers={providers} onChoose={setChosen} onClose={onClose} />;
  }
  return (
    <AccountForm
      account={account}
      provider={provider}
      opener={opener}
      onBack={() => setChosen(undefined)}
      onClose={onClose}
      onSaved={onSaved}
    />
  );
}
