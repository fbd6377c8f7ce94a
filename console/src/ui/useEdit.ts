import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, type FormInstance } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemError } from "../api/client";
import { showFieldErrors } from "./formErrors";

interface Item {
  id: string;
  name: string;
  version: number;
}

interface Options<T extends Item, Draft> {
  of: "rules" | "policies";
  item: T | undefined; // undefined to add one
  form: FormInstance<Draft>;
  read: (id: string) => Promise<T>;
  write: (draft: Draft, base: T | undefined) => Promise<T>; // replaces the version of base
  fill: (item: T) => void; // puts the item into the form
  fieldOf: (path: string) => string; // the field of the form for a path of the API
  onSaved: (item: T) => void;
}

/**
 * useEdit saves a rule or a policy from a form, if the stored version is still the one that the form began with. Otherwise it
 * returns the newer version as theirs, and saves nothing until resolve has chosen a version.
 */
export function useEdit<T extends Item, Draft>(options: Options<T, Draft>) {
  const { of, form, read, write, fill, fieldOf, onSaved } = options;
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const [base, setBase] = useState(options.item);
  const [theirs, setTheirs] = useState<T>();
  const [failure, setFailure] = useState<unknown>();

  const save = useMutation({
    mutationFn: (draft: Draft) => write(draft, base),
    onMutate: () => setFailure(undefined),
    onSuccess: (saved) => {
      client.invalidateQueries({ queryKey: ["rules"] }); // because a rule lists its policies
      client.invalidateQueries({ queryKey: ["policies"] });
      message.success(t(base ? `${of}.saved` : `${of}.added`, { name: saved.name }));
      onSaved(saved);
    },
    onError: async (error) => {
      const problem = error instanceof ProblemError ? error : undefined;
      if (base && problem?.is("stale")) {
        setTheirs(await read(base.id).catch(() => undefined)); // if that fails too, the first error is shown
      }
      if (problem?.is("conflict")) {
        form.setFields([{ name: "name", errors: [problem.message] }] as Parameters<typeof form.setFields>[0]);
        return;
      }
      setFailure(showFieldErrors(form, error, fieldOf));
    },
  });

  const resolve = (takeTheirs: boolean) => {
    setBase(theirs);
    setTheirs(undefined);
    setFailure(undefined);
    if (takeTheirs && theirs) {
      fill(theirs);
    }
  };
  return { base, theirs, failure, save, resolve };
}
