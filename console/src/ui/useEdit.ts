import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, type FormInstance } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemError } from "../api/client";
import { type FieldName, showFieldErrors } from "./formErrors";
import { invalidateItems } from "./invalidateItems";

export interface Item {
  id: string;
  name: string;
  version: number;
}

interface Options<T extends Item, Draft, Body> {
  of: "rules" | "policies" | "accounts" | "messages" | "guards" | "keys";
  item: T | undefined; // undefined to add one
  form: FormInstance<Draft>;
  read: (id: string) => Promise<T>;
  write: (body: Body, base: T | undefined) => Promise<T>; // replaces the version of base
  valuesOf: (item: T | undefined) => Draft; // the values of the form
  bodyOf: (draft: Draft) => Body; // the same for equal drafts
  fieldOf: (path: string) => FieldName | undefined; // the field of the form for a path of the API, if it has one
  onSaved: (item: T) => void;
}

/**
 * useEdit saves an item from a form, unless somebody else has saved a newer version meanwhile. Then it returns that
 * version as theirs, and saves nothing until resolve has chosen a version.
 */
export function useEdit<T extends Item, Draft, Body>(options: Options<T, Draft, Body>) {
  const { of, form, read, write, valuesOf, bodyOf, fieldOf, onSaved } = options;
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const [base, setBase] = useState(options.item);
  const [theirs, setTheirs] = useState<T>();
  const [failure, setFailure] = useState<unknown>();

  const save = useMutation({
    mutationFn: (draft: Draft) => write(bodyOf(draft), base),
    onMutate: () => setFailure(undefined),
    onSuccess: (saved) => {
      invalidateItems(client);
      message.success(t(base ? `${of}.saved` : `${of}.added`, { name: saved.name }));
      onSaved(saved);
    },
    onError: async (error) => {
      const problem = error instanceof ProblemError ? error : undefined;
      if (base && problem?.is("stale")) {
        const stored = await read(base.id).catch(() => undefined);
        if (stored) {
          setTheirs(stored);
          return;
        } // else the first error is shown
      }
      setFailure(showFieldErrors(form, error, fieldOf));
    },
  });

  /** resolve ends a conflict. The next save replaces the stored version by the values. Without values it finds the conflict again. */
  const resolve = (values?: Draft) => {
    setFailure(undefined);
    setTheirs(undefined);
    if (values) {
      setBase(theirs);
      form.setFieldsValue(values as Parameters<typeof form.setFieldsValue>[0]);
    }
  };
  const bodyText = (draft: Draft) => JSON.stringify(bodyOf(draft));
  const isChanged = () => bodyText(form.getFieldsValue() as Draft) !== bodyText(valuesOf(base));
  return { form, base, initialValues: valuesOf(options.item), valuesOf, theirs, failure, save, resolve, isChanged };
}

export type Edit<T extends Item, Draft> = ReturnType<typeof useEdit<T, Draft, unknown>>;
