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
  item: T | undefined; // undefined: a new one
  form: FormInstance<Draft>;
  read: (id: string) => Promise<T>;
  write: (draft: Draft, base: T | undefined) => Promise<T>; // over the version of base
  fill: (item: T) => void; // the form with what the item is now
  fieldOf: (path: string) => string; // which field of the form a path of the API is
  onSaved: (item: T) => void;
}

/**
 * useEdit saves what a form says of a rule or a policy, over the version that was being edited and over no other. When
 * somebody else was faster it tells what they have made of it, and saves nothing until one is chosen.
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
      client.invalidateQueries({ queryKey: ["rules"] }); // they say by which policies they are used
      client.invalidateQueries({ queryKey: ["policies"] });
      message.success(t(base ? `${of}.saved` : `${of}.added`, { name: saved.name }));
      onSaved(saved);
    },
    onError: async (error) => {
      const problem = error instanceof ProblemError ? error : undefined;
      if (base && problem?.is("stale")) {
        setTheirs(await read(base.id).catch(() => undefined)); // if that fails too, the error itself is shown
      }
      if (problem?.is("conflict")) {
        form.setFields([{ name: "name", errors: [problem.message] }] as Parameters<typeof form.setFields>[0]);
        return;
      }
      setFailure(showFieldErrors(form, error, fieldOf));
    },
  });

  const settle = (takeTheirs: boolean) => {
    setBase(theirs);
    setTheirs(undefined);
    setFailure(undefined);
    if (takeTheirs && theirs) {
      fill(theirs);
    }
  };
  return { base, theirs, failure, save, settle };
}
