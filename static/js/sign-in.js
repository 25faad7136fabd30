// The address that was typed for a code is that of the password too, until another is typed there.

const code = document.getElementById("email");
const password = document.getElementById("password-email");

const carry = () => {
  password.value ||= code.value;
};

password.form.addEventListener("submit", carry);
password.closest("details").addEventListener("toggle", carry);
